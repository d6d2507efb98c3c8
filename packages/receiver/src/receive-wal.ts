/**
 * From a replication connection to durable segment files, over as many timelines as the server has.
 *
 * A timeline that ends on the server (a standby was promoted) is followed inside: its history file first, then its
 * segments, from the start of the one that holds the switchpoint.
 */
import type { Disk } from '@walvault/durable-fs';
import type { EndOfTimeline, ReplicationConnection } from '@walvault/protocol';
import {
  formatLsn,
  type Logger,
  type Lsn,
  roundDownToSegment,
  silentLogger,
  type TimelineId,
  WalChecker,
  type WalSegmentSize,
} from '@walvault/wal';
import { ReceiverError } from './errors.ts';
import type { Positions } from './positions.ts';
import { SegmentWriter } from './segment-writer.ts';
import { statusTiming } from './status-timing.ts';
import { StreamSession } from './stream-session.ts';
import type { HistoryFiles } from './timeline-history.ts';

/** What to receive, and how. */
export interface ReceiveWalOptions {
  /** An idle replication connection. It belongs to the caller, who closes it; after a failure it may be closed already. */
  readonly connection: ReplicationConnection;
  /** Directory of the segment files. It must be there, and nobody else may write to it. */
  readonly directory: string;
  readonly walSegmentSize: WalSegmentSize;
  /** Where to start, and how far it has come since: made with the start position, moved on by this function alone. */
  readonly positions: Positions;
  /** Of the same connection and directory. */
  readonly histories: HistoryFiles;
  /** Knows the record that goes on where the stream starts; see `beginAt`. */
  readonly checker?: WalChecker | undefined;
  readonly slotName?: string | undefined;
  /** Whether every page and every record is checked before it is written; true unless given. */
  readonly verifyStream?: boolean | undefined;
  /** Permission bits of new segment files; see {@link segmentFileMode}. 0600 unless given. */
  readonly fileMode?: number | undefined;
  /** `continuous` (default) keeps the flush position right behind the written one; `segment` flushes whole segments. */
  readonly flushPolicy?: 'continuous' | 'segment' | undefined;
  /** Whether others work in this thread, so that it must not wait for the disk. False unless given: then it does where that is quicker. */
  readonly isThreadShared?: boolean | undefined;
  /** At least this often the server hears the positions, in milliseconds; less when its wal_sender_timeout is short. Default 10 s. */
  readonly statusIntervalMs?: number | undefined;
  /** Aborting it ends receiving in good order. To leave at once, abort the signal of the connection. */
  readonly stop: AbortSignal;
  readonly observer?: ReceiveObserver | undefined;
  readonly log?: Logger | undefined;
  readonly disk?: Disk | undefined;
}

/** What a watcher is told. The calls are made between messages and should be quick. */
export interface ReceiveObserver {
  /** The server has begun to stream a timeline. */
  streaming?(timelineId: TimelineId, startLsn: Lsn): void;
  /** A segment is complete and durable under its final name. */
  segmentCompleted?(name: string): void;
  /** A flush took that long. */
  flushed?(durationMs: number): void;
}

/** Why receiving ended without an error. */
export type ReceiveEnd = 'stopped' | 'serverShutdown';

/**
 * Receives WAL until it is stopped or the server shuts down in good order.
 * @throws whatever else ends it; `positions` then tell what is durable
 */
export async function receiveWal(options: ReceiveWalOptions): Promise<ReceiveEnd> {
  const { histories, positions, walSegmentSize, log = silentLogger } = options;
  let { checker } = options;
  while (!options.stop.aborted) {
    await histories.keep(positions.timelineId);
    const end = await receiveTimeline({ ...options, checker });
    checker = undefined;
    if (end.kind !== 'endOfTimeline') return end.kind;
    checkSwitch(positions, end);
    positions.switchTo(end.nextTimelineId, roundDownToSegment(end.nextStartLsn, walSegmentSize));
    log.info({ timelineId: end.nextTimelineId, lsn: formatLsn(end.nextStartLsn) }, 'switched to timeline');
  }
  return 'stopped';
}

async function receiveTimeline(options: ReceiveWalOptions): Promise<EndOfTimeline | { readonly kind: ReceiveEnd }> {
  const { connection, positions, slotName, observer } = options;
  const timing = statusTiming(options.statusIntervalMs ?? 10_000, await connection.show('wal_sender_timeout'));
  const checker = options.verifyStream === false ? undefined : (options.checker ?? (await checkerFor(options)));
  const startLsn = positions.writtenLsn;
  const stream = await connection.startReplication({ slotName, startLsn, timelineId: positions.timelineId });
  if (stream.kind === 'endOfTimeline') return stream;
  observer?.streaming?.(positions.timelineId, startLsn);
  await using writer = new SegmentWriter({
    ...options,
    checker,
    onSegment: (name) => observer?.segmentCompleted?.(name),
    onFull: () => session.flushSoon(),
    fillFirst: options.flushPolicy !== 'segment',
  });
  const session = new StreamSession({
    connection,
    stream,
    writer,
    positions,
    timing,
    flushPolicy: options.flushPolicy ?? 'continuous',
    stop: options.stop,
    onFlushed: (durationMs) => observer?.flushed?.(durationMs),
  });
  await session.run();
  return stream.end ?? { kind: 'stopped' };
}

async function checkerFor({ connection, walSegmentSize, positions }: ReceiveWalOptions): Promise<WalChecker> {
  const { systemIdentifier } = await connection.identifySystem();
  const walPageSize = Number(await connection.show('wal_block_size'));
  const { timelineId, writtenLsn: startLsn } = positions;
  return new WalChecker({ startLsn, systemIdentifier, walSegmentSize, walPageSize, timelineId });
}

/**
 * Permission bits for segment files: readable by the group where the server's own files are (`data_directory_mode`, PostgreSQL 11
 * and later; streamutil.c: RetrieveDataDirCreatePerm).
 */
export async function segmentFileMode(connection: ReplicationConnection): Promise<number> {
  if (connection.majorVersion < 11) return 0o600;
  const mode = Number.parseInt(await connection.show('data_directory_mode'), 8);
  return (mode & 0o040) === 0 ? 0o600 : 0o640;
}

/** What receivelog.c checks too: the next timeline is a later one and begins where this one was received. */
function checkSwitch(positions: Positions, end: EndOfTimeline): void {
  if (end.nextTimelineId > positions.timelineId && end.nextStartLsn <= positions.flushedLsn) return;
  throw new ReceiverError(
    'ERR_TIMELINE_SWITCH',
    `the server ended timeline ${positions.timelineId} at ${formatLsn(positions.flushedLsn)}, but named timeline ${end.nextTimelineId} beginning at ${formatLsn(end.nextStartLsn)} as the next one`,
    {
      lsn: positions.flushedLsn,
      hint: 'The history of this server is not consistent. Nothing was changed; look at the server before going on.',
    },
  );
}
