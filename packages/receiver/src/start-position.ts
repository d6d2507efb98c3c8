/**
 * Where streaming starts: what the directory holds decides, then the archive, then the slot, then the server (as in
 * pg_receivewal.c: StreamLog, which knows no archive).
 * Pure; the caller has asked all three.
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
import type { LatestSegment } from './streaming-directory.ts';

/** A position to start streaming from. */
export interface StartPosition {
  readonly timelineId: TimelineId;
  readonly lsn: Lsn;
  /** What earlier receivers have reported as flushed; it is not taken back. `0/0` when nothing was. */
  readonly acknowledgedLsn: Lsn;
  /** Who decided. */
  readonly source: 'memory' | 'directory' | 'archive' | 'slot' | 'server';
}

/** What is known when a stream is about to start. */
export interface StartFacts {
  readonly walSegmentSize: WalSegmentSize;
  /** From the streaming directory. */
  readonly latest: LatestSegment | undefined;
  /**
   * Where the archive ends, when the directory is empty: a slot that was made anew, or no slot at all, must not let the
   * stream begin behind it.
   */
  readonly archived: { readonly timelineId: TimelineId; readonly lsn: Lsn } | undefined;
  /** restart_lsn of the slot, when a slot is used and holds WAL. */
  readonly slotRestartLsn: Lsn | undefined;
  /** Timeline of restart_lsn, when the server tells (PostgreSQL 15 and later). */
  readonly slotRestartTimelineId: TimelineId | undefined;
  /** From IDENTIFY_SYSTEM. */
  readonly server: { readonly timelineId: TimelineId; readonly flushLsn: Lsn };
  /** What this very process has made durable, when this is a reconnect. */
  readonly flushed: { readonly timelineId: TimelineId; readonly lsn: Lsn } | undefined;
}

/**
 * Decides where to start.
 * @throws {ReceiverError} `ERR_RECEIVER_AHEAD` when more was received than the server has,
 * `ERR_TIMELINE_NOT_IN_HISTORY` when a later timeline was.
 */
export function chooseStart(facts: StartFacts): StartPosition {
  const { latest, server, walSegmentSize: size, slotRestartLsn } = facts;
  const acknowledgedLsn = maxOfLsn(facts.flushed?.lsn ?? invalidLsn, slotRestartLsn ?? invalidLsn);
  if (facts.flushed !== undefined) refuseWhatServerLacks(facts.flushed, server);
  if (latest !== undefined) refuseWhatServerLacks({ timelineId: latest.timelineId, lsn: latest.resumeLsn }, server);
  const remembered = rememberedStart(facts);
  if (remembered !== undefined) return { ...remembered, acknowledgedLsn, source: 'memory' };
  if (latest !== undefined) {
    return { timelineId: latest.timelineId, lsn: latest.resumeLsn, acknowledgedLsn, source: 'directory' };
  }
  if (facts.archived !== undefined) {
    refuseWhatServerLacks(facts.archived, server);
    return { ...facts.archived, acknowledgedLsn, source: 'archive' };
  }
  if (slotRestartLsn !== undefined) {
    const timelineId = facts.slotRestartTimelineId ?? server.timelineId;
    return { timelineId, lsn: roundDownToSegment(slotRestartLsn, size), acknowledgedLsn, source: 'slot' };
  }
  return {
    timelineId: server.timelineId,
    lsn: roundDownToSegment(server.flushLsn, size),
    acknowledgedLsn: invalidLsn,
    source: 'server',
  };
}

/**
 * A reconnect goes on in the middle of the segment, whose file must still be there: what this process flushed there needs no
 * second reading. Where the file is gone, or was never begun, it goes on at the start of that segment, since complete
 * segments may have left for the archive; only a directory that holds more than is remembered counts more.
 */
function rememberedStart({
  flushed,
  latest,
  walSegmentSize: size,
}: StartFacts): { timelineId: TimelineId; lsn: Lsn } | undefined {
  if (flushed === undefined) return undefined;
  const { timelineId, lsn } = flushed;
  const segmentStart = roundDownToSegment(lsn, size);
  if (latest === undefined) return { timelineId, lsn: segmentStart };
  if (latest.timelineId > timelineId || latest.resumeLsn > segmentStart) return undefined;
  const isAtHand = latest.isPartial && latest.timelineId === timelineId && latest.resumeLsn === segmentStart;
  return { timelineId, lsn: isAtHand ? lsn : segmentStart };
}

/** The server must have what is here; where it has less, starting lower would put other WAL in the place of what is durable. */
function refuseWhatServerLacks(here: { timelineId: TimelineId; lsn: Lsn }, server: StartFacts['server']): void {
  if (here.timelineId > server.timelineId) {
    throw new ReceiverError(
      'ERR_TIMELINE_NOT_IN_HISTORY',
      `WAL of timeline ${here.timelineId} has been received, the server is on timeline ${server.timelineId}`,
      {
        lsn: here.lsn,
        hint: 'The server was restored to an earlier state, or is not the primary any more. Nothing was changed; check where the connection leads.',
      },
    );
  }
  if (here.timelineId === server.timelineId && here.lsn > server.flushLsn) {
    throw new ReceiverError(
      'ERR_RECEIVER_AHEAD',
      `WAL has been received up to ${formatLsn(here.lsn)}, the server has written up to ${formatLsn(server.flushLsn)} only`,
      {
        lsn: here.lsn,
        hint: 'A standby that lags catches up by itself. If the server was restored from a backup, its WAL has diverged from this directory: archive what is here and give the server an empty directory.',
      },
    );
  }
}
