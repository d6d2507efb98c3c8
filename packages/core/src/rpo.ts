/**
 * What would be lost if the server were gone now: what is not durable here yet, and what is not archived yet, as bytes and as the age
 * of the oldest commit that can be among them.
 *
 * A number is said only where it is known; it is never 0 because nothing is known. Ages are upper bounds: a commit may be younger.
 */
import type { ServerConfig } from '@walvault/config';
import {
  type Lsn,
  lsnDistance,
  parseLsn,
  parseWalFileName,
  segmentEndLsn,
  segmentNumberOfName,
  segmentStartLsn,
  type TimelineId,
  toTimelineId,
  toWalSegmentSize,
  type WalSegmentSize,
} from '@walvault/wal';
import { firstCommit } from './first-commit.ts';
import { type FilesObservation, newestArchived } from './observing/observe-files.ts';
import type { ServerObservation, SqlFacts } from './observing/server-observation.ts';
import { isReportedError, readReceiverState, type ReceiverState, type ReportedError } from './receiver-state.ts';
import { statePath } from './server-paths.ts';

/** What can be missing in one place. */
export interface Exposure {
  /** WAL that the server has and that is not there yet; undefined when it is not known. */
  readonly bytes: number | undefined;
  /** Age of the oldest commit that can be among it, in seconds, at most; 0 when nothing is missing, undefined when it is not known. */
  readonly seconds: number | undefined;
  /** Everything that was committed before is there; ISO 8601, UTC. Undefined when nothing is missing, and when it is not known. */
  readonly since: string | undefined;
  /** Why a number is not known. */
  readonly reason: string | undefined;
}

/** The recovery point objective as it is met now. */
export interface Rpo {
  /** What the server that WAL comes from has and is not durable on this machine: where that is the primary, the same as `durable`. */
  readonly lag: Exposure;
  /** What is not durable on this machine. */
  readonly durable: Exposure;
  /** What is not in the archive. */
  readonly archived: Exposure;
}

/** What is looked at, as `observeServer` and `observeFiles` have found it. */
export interface RpoFacts {
  readonly observation: ServerObservation;
  readonly files: FilesObservation;
  /** The primary, where WAL comes from a standby and `primary_conninfo` is set. */
  readonly primary?: SqlFacts | ReportedError | undefined;
}

/** Finds out what would be lost. Never rejects: what stands in the way is the reason why a number is not known. */
export async function rpo(server: ServerConfig, facts: RpoFacts): Promise<Rpo> {
  // Read behind the answer of the server, so that what it had then is not taken for missing because it was on its way.
  const receiver = await readReceiverState(statePath(server)).catch(() => undefined);
  const here = { ...facts, server, receiver, nowMs: Date.now() };
  const lag = server.streamingArchiver ? durableExposure(here) : undefined;
  const durable = lag === undefined || !isStandby(here.observation) ? lag : durableBehindStandby(here);
  const archived = await archivedExposure(here, durable).catch((error: unknown) => unknown(String(error)));
  return { lag: lag ?? archived, durable: durable ?? archived, archived };
}

interface Here extends RpoFacts {
  readonly server: ServerConfig;
  readonly receiver: ReceiverState | undefined;
  readonly nowMs: number;
}

/** A place in the WAL of the server. */
export interface Place {
  readonly timelineId: TimelineId;
  readonly lsn: Lsn;
  /** Of the cluster, where it is known. */
  readonly systemIdentifier?: bigint | undefined;
}

const nothing: Exposure = { bytes: 0, seconds: 0, since: undefined, reason: undefined };

function unknown(reason: string, bytes?: number): Exposure {
  return { bytes, seconds: undefined, since: undefined, reason };
}

/** What the server that WAL comes from has and is not durable on this machine, by what it said and the receiver published; see {@link rpo}. */
export function durableExposure({ observation, receiver, nowMs }: Pick<Here, 'observation' | 'receiver' | 'nowMs'>): Exposure {
  const durable = durablePlace(receiver);
  if (durable === undefined) return unknown('nothing was received by streaming yet');
  const behind = distance(durable, endOfServer(observation));
  if (behind.bytes === 0) return nothing;
  const caughtUpAt = receiver?.caughtUpAt ?? undefined;
  if (caughtUpAt === undefined) return unknown(behind.reason ?? 'the server was never caught up with', behind.bytes);
  return { ...behind, ...ageSince(Date.parse(caughtUpAt), nowMs) };
}

/** A standby may be behind its primary, so that having all of its WAL says nothing of when a commit can be missing. */
function durableBehindStandby(here: Here): Exposure {
  const durable = durablePlace(here.receiver);
  if (durable === undefined) return unknown('nothing was received by streaming yet');
  const behind = distance(durable, endOfCluster(here));
  return behind.bytes === 0 ? nothing : unknown(behind.reason ?? 'WAL comes from a standby, which may be behind', behind.bytes);
}

async function archivedExposure(here: Here, durable: Exposure | undefined): Promise<Exposure> {
  const { files, nowMs } = here;
  const end = archivedEnd(here);
  if (end === undefined) return unknown('nothing is archived yet');
  const behind = distance(end, endOfCluster(here));
  if (behind.bytes === 0) return nothing;
  const sinceMs = await firstCommitBehind(here, end);
  if (sinceMs === 'none' && durable !== undefined) return { ...durable, ...behind, reason: behind.reason ?? durable.reason };
  // What archive_command brings is as old as its copy, unless it brings what is old itself.
  const isUpToDate = behind.bytes !== undefined && behind.bytes <= end.walSegmentSize;
  const copiedMs = durable === undefined && isUpToDate ? files.lastArchivedAt?.getTime() : undefined;
  const knownMs = typeof sinceMs === 'number' ? sinceMs : copiedMs;
  if (knownMs === undefined) return unknown(behind.reason ?? 'the first commit behind the archive was not found', behind.bytes);
  return { ...behind, ...ageSince(knownMs, nowMs) };
}

function ageSince(sinceMs: number, nowMs: number): Pick<Exposure, 'seconds' | 'since'> {
  return { seconds: Math.max(0, (nowMs - sinceMs) / 1000), since: new Date(sinceMs).toISOString() };
}

/** How far the server is ahead of a place. On another timeline or of another cluster numbers say nothing: the server may have gone another way. */
function distance(from: Place, to: Place | string): Pick<Exposure, 'bytes' | 'reason'> {
  if (typeof to === 'string') return { bytes: undefined, reason: to };
  const [here, there] = [from.systemIdentifier, to.systemIdentifier];
  if (here !== undefined && there !== undefined && here !== there)
    return { bytes: undefined, reason: `the server is of cluster ${there}, and what is here is of cluster ${here}` };
  if (from.timelineId === to.timelineId) return { bytes: Math.max(0, lsnDistance(from.lsn, to.lsn)), reason: undefined };
  const reason = `the server is on timeline ${to.timelineId}, and what is here is of timeline ${from.timelineId}`;
  return { bytes: undefined, reason };
}

/** Whether WAL comes from a standby, as far as the server says. */
export function isStandby({ streaming, sql }: ServerObservation): boolean {
  if (!isReportedError(streaming) && streaming.isInRecovery !== undefined) return streaming.isInRecovery;
  return !isReportedError(sql) && sql.isInRecovery;
}

/** The end of the WAL of the primary, or why it is not known. */
function endOfCluster({ observation, primary }: Here): Place | string {
  if (!isStandby(observation)) return endOfServer(observation);
  if (primary === undefined) return 'WAL comes from a standby; set primary_conninfo to know what its primary has';
  if (isReportedError(primary)) return 'WAL comes from a standby, and its primary cannot be asked';
  return primary.isInRecovery ? 'primary_conninfo leads to a standby' : endBySql(primary);
}

/** The end of the server's WAL that is durable there, or why it is not known. */
export function endOfServer({ streaming, sql }: ServerObservation): Place | string {
  if (!isReportedError(streaming)) {
    const { timelineId, flushLsn: lsn, systemIdentifier } = streaming;
    return { timelineId, lsn, systemIdentifier };
  }
  return isReportedError(sql) ? 'the server cannot be asked' : endBySql(sql);
}

function endBySql(sql: SqlFacts): Place {
  const timeline = sql.currentWalFile?.slice(0, 8);
  const timelineId = timeline === undefined ? sql.timelineId : toTimelineId(Number.parseInt(timeline, 16));
  return { timelineId, lsn: sql.flushLsn, systemIdentifier: sql.systemIdentifier };
}

function durablePlace(receiver: ReceiverState | undefined): Place | undefined {
  if (receiver?.flushedLsn == null || receiver.timelineId == null) return undefined;
  const systemIdentifier = receiver.systemIdentifier == null ? undefined : BigInt(receiver.systemIdentifier);
  return { timelineId: toTimelineId(receiver.timelineId), lsn: parseLsn(receiver.flushedLsn), systemIdentifier };
}

/**
 * Up to where the archive is whole: the end of its last segment, or the start of the first one that still waits. Where nothing is
 * archived, that is where the WAL here begins.
 */
export function archivedEnd({
  files,
}: Pick<RpoFacts, 'files'>): (Place & { readonly walSegmentSize: WalSegmentSize }) | undefined {
  const { archive, streaming, incoming, receiver, identity } = files;
  if (isReportedError(archive)) return undefined;
  const bytes = archive.walSegmentSize ?? receiver?.walSegmentSize ?? undefined;
  if (bytes === undefined) return undefined;
  const walSegmentSize = toWalSegmentSize(bytes);
  const newest = newestArchived(archive);
  const place = newest === undefined ? undefined : placeOf(newest, walSegmentSize);
  const queues = [streaming, incoming].flatMap((queue) => (isReportedError(queue) ? [] : [...queue.waiting, ...queue.partials]));
  const waiting = queues.map((name) => placeOf(name, walSegmentSize)).filter((file) => file !== undefined);
  const newestTimeline = Math.max(...[place, ...waiting].map((file) => file?.timelineId ?? 0));
  const starts = waiting.filter(({ timelineId }) => timelineId === newestTimeline).map(({ start }) => start);
  const ends = place?.timelineId === newestTimeline ? [place.end] : [];
  const [first] = [...starts, ...ends].toSorted((a, b) => (a < b ? -1 : 1));
  if (first === undefined) return undefined;
  const systemIdentifier = identity === undefined || isReportedError(identity) ? undefined : identity.systemIdentifier;
  return { timelineId: toTimelineId(newestTimeline), lsn: first, walSegmentSize, systemIdentifier };
}

function placeOf(name: string, size: WalSegmentSize): { timelineId: TimelineId; start: Lsn; end: Lsn } | undefined {
  const file = parseWalFileName(name);
  if (file.kind !== 'segment' && file.kind !== 'partial') return undefined;
  const segment = segmentNumberOfName(file, size);
  return { timelineId: file.timelineId, start: segmentStartLsn(segment, size), end: segmentEndLsn(segment, size) };
}

/** When the first commit behind the archive came, by our clock, in milliseconds since 1970. */
async function firstCommitBehind(
  { server, receiver, files, observation }: Here,
  from: Place & { readonly walSegmentSize: WalSegmentSize },
): Promise<number | 'none' | 'unknown'> {
  const durable = durablePlace(receiver);
  if (durable === undefined || durable.timelineId !== from.timelineId) return 'unknown';
  const search = { ...from, directory: server.directories.streaming, fromLsn: from.lsn, toLsn: durable.lsn };
  const { atMs, beginsInRecord } = await firstCommit(search);
  const clockAheadMs = isReportedError(observation.sql) ? 0 : observation.sql.clockAheadMs;
  const foundMs = typeof atMs === 'number' ? atMs - clockAheadMs : atMs;
  // The record that goes over the end of the archive came when its last segment was full, and may be a commit.
  return beginsInRecord ? earliest(foundMs, files.lastArchivedAt?.getTime()) : foundMs;
}

function earliest(foundMs: number | 'none' | 'unknown', otherMs: number | undefined): number | 'none' | 'unknown' {
  if (otherMs === undefined) return foundMs === 'none' ? 'unknown' : foundMs;
  return typeof foundMs === 'number' ? Math.min(foundMs, otherMs) : foundMs === 'none' ? otherMs : foundMs;
}
