/**
 * Where streaming starts: what the directory holds decides, then the slot, then the server (pg_receivewal.c: StreamLog).
 * Pure; the caller has asked all three.
 */
import { formatLsn, invalidLsn, type Lsn, roundDownToSegment, type TimelineId, type WalSegmentSize } from '@walvault/wal';
import { ReceiverError } from './errors.ts';
import type { LatestSegment } from './streaming-directory.ts';

/** A position to start streaming from. */
export interface StartPosition {
  readonly timelineId: TimelineId;
  readonly lsn: Lsn;
  /** What earlier receivers have reported as flushed; it is not taken back. `0/0` when nothing was. */
  readonly acknowledgedLsn: Lsn;
  /** Who decided. */
  readonly source: 'memory' | 'directory' | 'slot' | 'server';
}

/** What is known when a stream is about to start. */
export interface StartFacts {
  readonly walSegmentSize: WalSegmentSize;
  /** From the streaming directory. */
  readonly latest: LatestSegment | undefined;
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
 * @throws {ReceiverError} `ERR_RECEIVER_AHEAD` when the directory holds more than the server has,
 * `ERR_TIMELINE_NOT_IN_HISTORY` when it holds a later timeline.
 */
export function chooseStart(facts: StartFacts): StartPosition {
  const { latest, server, walSegmentSize: size, slotRestartLsn } = facts;
  const acknowledgedLsn = facts.flushed?.lsn ?? slotRestartLsn ?? invalidLsn;
  if (latest !== undefined) {
    refuseWhatServerLacks(latest, server);
    const remembered = rememberedStart(facts, latest);
    if (remembered !== undefined) return { ...remembered, acknowledgedLsn, source: 'memory' };
    return { timelineId: latest.timelineId, lsn: latest.resumeLsn, acknowledgedLsn, source: 'directory' };
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

/** A reconnect goes on in the middle of the segment: what this process flushed there needs no second reading. */
function rememberedStart(facts: StartFacts, latest: LatestSegment): { timelineId: TimelineId; lsn: Lsn } | undefined {
  const { flushed, walSegmentSize: size } = facts;
  if (flushed === undefined || flushed.timelineId !== latest.timelineId || !latest.isPartial) return undefined;
  return roundDownToSegment(flushed.lsn, size) === latest.resumeLsn
    ? { timelineId: flushed.timelineId, lsn: flushed.lsn }
    : undefined;
}

function refuseWhatServerLacks(latest: LatestSegment, server: StartFacts['server']): void {
  if (latest.timelineId > server.timelineId) {
    throw new ReceiverError(
      'ERR_TIMELINE_NOT_IN_HISTORY',
      `"${latest.name}" is on timeline ${latest.timelineId}, the server is on timeline ${server.timelineId}`,
      {
        hint: 'The server was restored to an earlier state, or is not the primary any more. Nothing was changed; check where the connection leads.',
      },
    );
  }
  if (latest.timelineId === server.timelineId && latest.resumeLsn > server.flushLsn) {
    throw new ReceiverError(
      'ERR_RECEIVER_AHEAD',
      `the directory holds WAL up to ${formatLsn(latest.resumeLsn)}, the server has written up to ${formatLsn(server.flushLsn)} only`,
      {
        lsn: latest.resumeLsn,
        hint: 'A standby that lags catches up by itself. If the server was restored from a backup, its WAL has diverged from this directory: archive what is here and give the server an empty directory.',
      },
    );
  }
}
