/**
 * What WAL the server still has, found out as any receiver can: by asking for it (START_REPLICATION) and looking whether
 * it comes. No slot is used for that, since that would move what the slot keeps, and no privilege beyond REPLICATION.
 *
 * WAL is removed from its old end on, a segment at a time, so that the first segment that is left is found by halving.
 */
import { type ReplicationConnection, ServerError } from '@walvault/protocol';
import { ReceiverError } from '@walvault/receiver';
import {
  type Lsn,
  parseHistoryFile,
  roundDownToSegment,
  type SegmentNumber,
  segmentNumberOf,
  segmentStartLsn,
  timelineAt,
  type TimelineSwitch,
  type WalSegmentSize,
} from '@walvault/wal';
import type { WalPosition } from './holes.ts';

/** undefined_file: the segment is not there any more (XLogFileReadAnyTLI, WalSndSegmentOpen). */
const segmentRemoved = '58P01';

/**
 * Whether the server has the WAL at a position. True as well where it has not written any yet.
 * @param connection idle; it is again when this returns
 * @throws {ServerError} for a position that is not in the server's history, and whatever else it says
 * @throws {ReceiverError} `ERR_SERVER_SILENT` when nothing comes within a minute; the connection is closed then
 */
export async function hasWal(connection: ReplicationConnection, position: WalPosition): Promise<boolean> {
  const server = await connection.identifySystem();
  if (position.timelineId === server.timelineId && position.lsn >= server.flushLsn) return true;
  using deadline = new Deadline(connection);
  try {
    const stream = await connection.startReplication({ startLsn: position.lsn, timelineId: position.timelineId });
    if (stream.kind === 'endOfTimeline') return true;
    // A keepalive proves nothing: it can overtake the error. Behind the stop, what still comes is dropped.
    for await (const batch of stream) if (batch.some((message) => message.kind === 'walData')) stream.stop();
    return true;
  } catch (error) {
    if (error instanceof ServerError && error.sqlState === segmentRemoved) return false;
    throw deadline.isOver ? silence() : error;
  }
}

/** WAL that is there comes at once; a stream in which nothing comes is given up, and its connection with it. */
const firstWalWithinMs = 60_000;

class Deadline implements Disposable {
  isOver = false;
  readonly #timer: NodeJS.Timeout;

  constructor(connection: ReplicationConnection) {
    this.#timer = setTimeout(() => {
      this.isOver = true;
      void connection[Symbol.asyncDispose]();
    }, firstWalWithinMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

function silence(): ReceiverError {
  return new ReceiverError('ERR_SERVER_SILENT', `no WAL came within ${firstWalWithinMs / 1000} s of the start of a stream`, {
    hint: 'The server hangs, or the network between drops packets silently. A new connection shows which.',
  });
}

/** Where to look for the first WAL that is left. */
export interface MissingWal {
  /** The server does not have the WAL there. */
  readonly missing: WalPosition;
  readonly walSegmentSize: WalSegmentSize;
  /** restart_lsn of a slot that can be used: what is kept from there on cannot be removed before we come for it. */
  readonly slotRestartLsn: Lsn | undefined;
}

/**
 * The first WAL behind a position without WAL: where the slot begins to keep it, or else the first that is left.
 * @param connection idle; it is again when this returns
 * @throws {ServerError}
 */
export async function firstAvailableWal(connection: ReplicationConnection, facts: MissingWal): Promise<WalPosition> {
  const { missing, walSegmentSize: size, slotRestartLsn } = facts;
  const server = await connection.identifySystem();
  const history = await historyOf(connection, server.timelineId);
  const startOf = (segment: bigint): WalPosition => {
    const lsn = segmentStartLsn(segment as SegmentNumber, size);
    return { timelineId: timelineAt(server.timelineId, history, lsn), lsn };
  };
  const first = segmentNumberOf(missing.lsn, size);
  if (slotRestartLsn !== undefined && roundDownToSegment(slotRestartLsn, size) > missing.lsn) {
    const kept = startOf(segmentNumberOf(slotRestartLsn, size));
    if (await hasWal(connection, kept)) return kept;
  }
  let [gone, there]: [bigint, bigint] = [first, segmentNumberOf(server.flushLsn, size)];
  while (there - gone > 1n) {
    const middle = (gone + there) / 2n;
    if (await hasWal(connection, startOf(middle))) there = middle;
    else gone = middle;
  }
  return startOf(there);
}

/** The ancestors of a timeline of the server, oldest first. @throws {ServerError} */
export async function historyOf(
  connection: ReplicationConnection,
  timelineId: WalPosition['timelineId'],
): Promise<readonly TimelineSwitch[]> {
  if (timelineId === 1) return [];
  const { content } = await connection.timelineHistory(timelineId);
  return parseHistoryFile(timelineId, content.toString('utf8'));
}
