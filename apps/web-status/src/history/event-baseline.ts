/** What of a snapshot can make events: what is kept of the last look, so that the next one, also after a restart, knows what is new. */
import { isReportedError } from '@walvault/core/observing';
import { receiverPhase } from '../collector/receiver-phase.ts';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { errorOf, summarize } from '../collector/summarize.ts';
import type { HoleList } from '../schema/coverage.ts';
import type { ReceiverPhase, ServerSummary } from '../schema/server-summary.ts';

type RecordedHole = NonNullable<HoleList['recorded']>[number];

/** A plain value, kept as JSON. A part is undefined as long as it is not known. */
export interface EventBaseline {
  /** Null when none has ever published anything. */
  readonly receiver?: {
    readonly phase: ReceiverPhase;
    readonly pid: number;
    readonly reconnects: number;
    readonly timelineId: number | null;
    readonly flushedLsn: string | null;
    readonly lastError: ServerSummary['error'];
    readonly divergence: { readonly timelineId: number; readonly fromLsn: string; readonly toLsn: string } | null;
  } | null;
  readonly holes?: readonly Omit<RecordedHole, 'bytes'>[];
  readonly slot?: { readonly level: string; readonly reason: string };
  /** Why the server did not answer; null when it did. */
  readonly unreachable?: string | null;
  /** What is wrong, by the name of the check. */
  readonly failedChecks?: Readonly<Record<string, string>>;
  readonly badSegments?: readonly { readonly name: string; readonly detail: string | null; readonly checkedAt: number }[];
  readonly heals?: { readonly latestAt: number; readonly names: readonly string[] };
  readonly verification?: {
    readonly finishedAt: string;
    readonly verdict: string;
    readonly bad: number;
    readonly missingSegments: number;
  };
}

/** What the snapshot knows; where it does not know, what was known before stands. */
export function baselineOf(snapshot: ServerSnapshot, before: EventBaseline): EventBaseline {
  return { ...before, ...ofReceiver(snapshot, before), ...ofInspection(snapshot), ...ofArchive(snapshot) };
}

function ofReceiver({ server, live }: ServerSnapshot, before: EventBaseline): EventBaseline {
  if (live === undefined) return {};
  const { receiver } = live.value;
  const { state, holes } = receiver;
  const known = isReportedError(holes) ? {} : { holes };
  if (state === undefined) return { ...known, receiver: before.receiver ?? null };
  const { pid, reconnects, timelineId, flushedLsn, lastError, divergence } = state;
  const phase = receiverPhase(server, receiver);
  return { ...known, receiver: { phase, pid, reconnects, timelineId, flushedLsn, lastError: errorOf(lastError), divergence } };
}

function ofInspection(snapshot: ServerSnapshot): EventBaseline {
  const { server, inspection } = snapshot;
  if (inspection === undefined || !server.active) return {};
  const { facts, results } = inspection.value;
  const failed = results.filter(({ status }) => status === 'failed');
  const failedChecks = Object.fromEntries(failed.map(({ name, hint }) => [name, hint]));
  if (facts === undefined) return { failedChecks };
  const { streaming, sql } = facts.observation;
  const unreachable = isReportedError(streaming) && isReportedError(sql) ? streaming.message : null;
  const { slot } = summarize(snapshot);
  const { verification } = facts.files;
  return {
    failedChecks,
    ...(server.passive ? {} : { unreachable }),
    ...(slot?.level == null ? {} : { slot: { level: slot.level, reason: slot.reason ?? '' } }),
    ...(verification === undefined || isReportedError(verification) ? {} : { verification }),
  };
}

/** So many healed segments of the same moment are named. */
const mostNames = 20;

function ofArchive({ archive }: ServerSnapshot): EventBaseline {
  if (archive === undefined || isReportedError(archive.value) || isReportedError(archive.value.catalog)) return {};
  const { badChecks, heals } = archive.value.catalog;
  const bad = badChecks.filter(({ verdict }) => verdict === 'bad');
  const latestAt = heals[0]?.healedAt ?? 0;
  const names = heals.filter(({ healedAt }) => healedAt > latestAt - 60_000).map(({ name }) => name);
  return {
    badSegments: bad.map(({ name, detail, checkedAt }) => ({ name, detail: detail ?? null, checkedAt })),
    heals: { latestAt, names: names.slice(0, mostNames) },
  };
}
