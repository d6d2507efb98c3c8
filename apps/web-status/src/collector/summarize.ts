/** A server in a few figures: a pure function of its snapshot, and of when it is asked. */
import { isReportedError, judgeSlotSafety, type Place, type ReportedError } from '@walvault/core/observing';
import { formatLsn, lsnDistance, parseLsn, toTimelineId } from '@walvault/wal';
import type { ReceiverPhase, RecoveryPoint, ServerSummary, SlotSummary } from '../schema/server-summary.ts';
import { exposure, places } from './exposure.ts';
import { receiverPhase } from './receiver-phase.ts';
import type { ServerSnapshot } from './server-snapshot.ts';
import { judge } from './verdict.ts';

/** See {@link ServerSummary}. */
export function summarize(snapshot: ServerSnapshot, nowMs: number = Date.now()): ServerSummary {
  const { server, live, inspection, archive } = snapshot;
  const state = live?.value.receiver.state;
  const files = inspection?.value.facts?.files;
  const phase: ReceiverPhase =
    live === undefined ? (server.streamingArchiver ? 'none' : 'off') : receiverPhase(server, live.value.receiver);
  return {
    name: server.name,
    description: server.description ?? null,
    active: server.active,
    ...judge(snapshot, nowMs),
    rpo: recoveryPoint(snapshot, nowMs),
    phase,
    ...positions(snapshot),
    bytesPerSecond: state === undefined ? null : phase === 'streaming' ? state.bytesPerSecond : 0,
    slot: slotSummary(snapshot),
    holes: holeCount(snapshot),
    badSegments: badSegmentCount(snapshot),
    lastMessageAt: state?.lastMessageAt ?? null,
    lastArchivedAt: files?.lastArchivedAt?.toISOString() ?? null,
    lastVerifiedAt:
      files?.verification === undefined || isReportedError(files.verification) ? null : files.verification.finishedAt,
    syncState: phase === 'streaming' ? (state?.syncState ?? null) : null,
    timelineId: state?.timelineId ?? places(snapshot).archived?.timelineId ?? null,
    error: phase === 'streaming' ? null : errorOf(live?.value.receiver.stateError ?? state?.lastError),
    unreadableFiles: live?.value.unreadableFiles.map(({ file, error }) => ({ file, error: shownError(error) })) ?? [],
    ageMs: ageOf(live, nowMs),
    serverAgeMs: ageOf(inspection, nowMs),
    archiveAgeMs: ageOf(archive, nowMs),
  };
}

/** Age of a sample; null when there is none. */
export function ageOf(sample: { readonly at: number } | undefined, nowMs: number): number | null {
  return sample === undefined ? null : Math.max(0, nowMs - sample.at);
}

/** An error as answers have it. */
export function errorOf(error: ReportedError | null | undefined): ServerSummary['error'] {
  return error == null ? null : shownError(error);
}

function shownError({ code, message, hint, at }: ReportedError): NonNullable<ServerSummary['error']> {
  return { code, message, hint, at: at === '' ? null : at };
}

function recoveryPoint(snapshot: ServerSnapshot, nowMs: number): RecoveryPoint {
  const { durable, archived } = exposure(snapshot, nowMs);
  return {
    durableSeconds: durable.seconds ?? null,
    durableBytes: durable.bytes ?? null,
    durableReason: durable.reason ?? null,
    archivedSeconds: archived.seconds ?? null,
    archivedBytes: archived.bytes ?? null,
    archivedReason: archived.reason ?? null,
  };
}

function positions(snapshot: ServerSnapshot): Pick<ServerSummary, 'lsn' | 'behindBytes'> {
  const { server, archived } = places(snapshot);
  const state = snapshot.live?.value.receiver.state;
  const here = (lsn: string | null | undefined): Place | undefined =>
    lsn == null || state?.timelineId == null ? undefined : { timelineId: toTimelineId(state.timelineId), lsn: parseLsn(lsn) };
  const received = here(state?.writtenLsn);
  const flushed = here(state?.flushedLsn);
  return {
    lsn: { server: lsnOf(server), received: lsnOf(received), flushed: lsnOf(flushed), archived: lsnOf(archived) },
    behindBytes: { received: behind(server, received), flushed: behind(server, flushed), archived: behind(server, archived) },
  };
}

function lsnOf(place: Place | undefined): string | null {
  return place === undefined ? null : formatLsn(place.lsn);
}

/** Numbers of different timelines say nothing about each other. */
function behind(server: Place | undefined, place: Place | undefined): number | null {
  if (server === undefined || place === undefined || server.timelineId !== place.timelineId) return null;
  return Math.max(0, lsnDistance(place.lsn, server.lsn));
}

/** As the server answers, or else as a receiver that streams sees it: what one that is gone has seen says nothing of now. */
function slotSummary({ server, live, inspection }: ServerSnapshot): SlotSummary | null {
  const { slotName } = server;
  if (slotName === undefined) return null;
  const sql = inspection?.value.facts?.observation.sql;
  const unknown = { name: slotName, walStatus: null, retainedBytes: null, safeBytes: null, level: null };
  if (sql !== undefined && !isReportedError(sql)) {
    if (sql.slot === undefined) return { ...unknown, reason: `the server has no slot ${slotName}` };
    const { level, retainedBytes, safeBytes, reason } = judgeSlotSafety(sql.slot, server);
    return {
      name: slotName,
      walStatus: sql.slot.walStatus ?? null,
      retainedBytes: retainedBytes ?? null,
      safeBytes: safeBytes ?? null,
      level,
      reason,
    };
  }
  const isStreaming = live !== undefined && receiverPhase(server, live.value.receiver) === 'streaming';
  const safety = isStreaming ? live.value.receiver.state?.slotSafety : undefined;
  if (safety == null) return { ...unknown, reason: sql?.message ?? 'the server was not asked yet' };
  return { name: slotName, walStatus: null, ...safety };
}

function holeCount({ live, inspection }: ServerSnapshot): number | null {
  const recorded = live?.value.receiver.holes;
  const archive = inspection?.value.facts?.files.archive;
  if (recorded === undefined || isReportedError(recorded) || archive === undefined || isReportedError(archive)) return null;
  const missing = archive.timelines.reduce((sum, { holes }) => sum + holes.length, 0);
  return missing + recorded.filter(({ resolvedBy }) => resolvedBy === null).length;
}

function badSegmentCount({ archive }: ServerSnapshot): number | null {
  if (archive === undefined || isReportedError(archive.value)) return null;
  const { catalog } = archive.value;
  return isReportedError(catalog) ? null : catalog.badChecks.filter(({ verdict }) => verdict === 'bad').length;
}
