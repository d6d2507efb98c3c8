/**
 * Where streaming starts: as far on as this process, the directory or the archive have come along the server's history; when
 * nothing was ever received, at the slot, else with the segment that the server is in (as in pg_receivewal.c: StreamLog, which
 * knows no archive and no history). Pure; the caller has asked them all.
 */
import {
  formatLsn,
  invalidLsn,
  type Lsn,
  maxOfLsn,
  roundDownToSegment,
  type TimelineId,
  type WalSegmentSize,
} from '@walvault/wal';
import { ReceiverError } from './errors.ts';
import { continuationOn, type Lineage, timelineAt, tipOf } from './lineage.ts';

/** A position to start streaming from. */
export interface StartPosition {
  readonly timelineId: TimelineId;
  readonly lsn: Lsn;
  /** What earlier receivers have reported as flushed; it is not taken back. `0/0` when nothing was. */
  readonly acknowledgedLsn: Lsn;
  /** Who decided. */
  readonly source: 'memory' | 'directory' | 'archive' | 'slot' | 'server' | 'override';
  /** WAL that was received and is not in the server's history: what a failed primary wrote last, mostly. */
  readonly divergence: Divergence | undefined;
}

/** WAL that the server's history has left behind. It is kept under the names of its own timeline. */
export interface Divergence {
  readonly timelineId: TimelineId;
  /** Where the history of the server left it. */
  readonly fromLsn: Lsn;
  /** How far it was received; for a segment that nobody has read, its end. */
  readonly toLsn: Lsn;
}

/** WAL that was received, by the lineage that it was received along. */
export interface Received {
  readonly lineage: Lineage;
  readonly lsn: Lsn;
}

/** What this process knows of its last stream. */
export interface Remembered extends Received {
  /** What the server was told to be flushed. */
  readonly acknowledgedLsn: Lsn;
}

/** What is known when a stream is about to start. */
export interface StartFacts {
  readonly walSegmentSize: WalSegmentSize;
  readonly server: { readonly lineage: Lineage; readonly flushLsn: Lsn };
  /** What this very process has made durable, when this is a reconnect. */
  readonly memory: Remembered | undefined;
  /** The latest segment of the streaming directory, up to where it can be trusted, and the latest ones outside of the server's history. */
  readonly directory: readonly Received[];
  /**
   * Where the archive ends, when no segment in the directory tells where to go on: a slot that was made anew, or no slot at
   * all, must not let the stream begin behind it.
   */
  readonly archive: Received | undefined;
  /** restart_lsn of the slot, when a slot is used and holds WAL. */
  readonly slotRestartLsn: Lsn | undefined;
  /** Timeline of restart_lsn, when the server tells (PostgreSQL 15 and later); else its history does. */
  readonly slotRestartTimelineId: TimelineId | undefined;
}

interface Candidate {
  readonly source: 'memory' | 'directory' | 'archive';
  readonly timelineId: TimelineId;
  readonly lsn: Lsn;
  readonly divergence: Divergence | undefined;
}

/**
 * Decides where to start.
 * @throws {ReceiverError} `ERR_RECEIVER_AHEAD` when more was received than the server has,
 * `ERR_TIMELINE_NOT_IN_HISTORY` when the server's history does not lead on from what was received.
 */
export function chooseStart(facts: StartFacts): StartPosition {
  const candidates = candidatesOf(facts);
  const furthest = candidates.reduce<Candidate | undefined>(
    (best, next) => (best === undefined || next.lsn > best.lsn ? next : best),
    undefined,
  );
  if (furthest === undefined) return firstStart(facts);
  const divergence = latest(candidates.flatMap((candidate) => candidate.divergence ?? []));
  const { source, timelineId, lsn } = furthest;
  const remembered = candidates.find((candidate) => candidate.source === 'memory');
  return { source, timelineId, lsn, acknowledgedLsn: acknowledgedBefore(facts, remembered), divergence };
}

/** That of the newest timeline, as far as it goes: older ones were told of when they were new. */
function latest(divergences: readonly Divergence[]): Divergence | undefined {
  return divergences.toSorted((a, b) => b.timelineId - a.timelineId || (a.toLsn < b.toLsn ? 1 : -1))[0];
}

/**
 * What was acknowledged along the server's history. What was acknowledged on a branch that it left counts for nothing there: else
 * nothing could be acknowledged to the new primary until it has written as much.
 */
function acknowledgedBefore({ memory, slotRestartLsn }: StartFacts, remembered: Candidate | undefined): Lsn {
  const ours = remembered?.divergence === undefined ? memory?.acknowledgedLsn : undefined;
  return maxOfLsn(ours ?? invalidLsn, slotRestartLsn ?? invalidLsn);
}

function firstStart({ server, walSegmentSize, slotRestartLsn, slotRestartTimelineId }: StartFacts): StartPosition {
  const startLsn = slotRestartLsn ?? server.flushLsn;
  return {
    timelineId: (slotRestartLsn === undefined ? undefined : slotRestartTimelineId) ?? timelineAt(server.lineage, startLsn),
    lsn: roundDownToSegment(startLsn, walSegmentSize),
    acknowledgedLsn: slotRestartLsn ?? invalidLsn,
    source: slotRestartLsn === undefined ? 'server' : 'slot',
    divergence: undefined,
  };
}

/** In the order in which equal ones win. */
function candidatesOf(facts: StartFacts): readonly Candidate[] {
  const { memory, directory, archive } = facts;
  const found: Candidate[] = directory.map((received) => candidate('directory', received, facts));
  if (archive !== undefined) found.push(candidate('archive', archive, facts));
  if (memory !== undefined) found.push(fromStartOfSegment(candidate('memory', memory, facts), facts.walSegmentSize));
  return found;
}

/** The memory of a process says what was durable; whether the file is still there, only the directory can tell. */
function fromStartOfSegment(found: Candidate, size: WalSegmentSize): Candidate {
  return { ...found, lsn: roundDownToSegment(found.lsn, size) };
}

function candidate(source: Candidate['source'], received: Received, { server, walSegmentSize }: StartFacts): Candidate {
  const continuation = continuationOn(server.lineage, received.lineage, received.lsn);
  if (continuation === undefined) throw notInHistory(received, server);
  const { timelineId, lsn, divergedAt } = continuation;
  if (divergedAt === undefined) {
    if (timelineId === tipOf(server.lineage) && lsn > server.flushLsn) throw ahead(received, server.flushLsn);
    return { source, timelineId, lsn, divergence: undefined };
  }
  const divergence = { timelineId: tipOf(received.lineage), fromLsn: divergedAt, toLsn: maxOfLsn(received.lsn, divergedAt) };
  return { source, timelineId, lsn: roundDownToSegment(lsn, walSegmentSize), divergence };
}

function notInHistory(received: Received, server: StartFacts['server']): ReceiverError {
  const [ours, theirs] = [tipOf(received.lineage), tipOf(server.lineage)];
  return new ReceiverError(
    'ERR_TIMELINE_NOT_IN_HISTORY',
    `WAL of timeline ${ours} has been received up to ${formatLsn(received.lsn)}, the server is on timeline ${theirs}, which does not come from it`,
    {
      lsn: received.lsn,
      hint: 'The server was restored to an earlier state, or is not the primary any more. Nothing was changed; check where the connection leads.',
    },
  );
}

function ahead(received: Received, flushLsn: Lsn): ReceiverError {
  return new ReceiverError(
    'ERR_RECEIVER_AHEAD',
    `WAL has been received up to ${formatLsn(received.lsn)}, the server has written up to ${formatLsn(flushLsn)} only`,
    {
      lsn: received.lsn,
      hint: `A standby that lags catches up by itself. If the server was restored from a backup without a new timeline, its WAL from ${formatLsn(flushLsn)} on has diverged from what was received: archive what is here and give the server an empty directory.`,
    },
  );
}
