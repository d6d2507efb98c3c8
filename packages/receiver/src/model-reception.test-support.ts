/** Receives from a model walsender as the program does: look at the directory, choose a start, receive. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Disk, FileSystemError, nodeDisk, readDirectory, readStart } from '@walvault/durable-fs';
import { invalidLsn, type Lsn, segmentEndLsn, segmentNumberOfName, tryParseWalFileName } from '@walvault/wal';
import { type ModelServer, segmentSize, timelineId } from './model-walsender.test-support.ts';
import type { Positions } from './positions.ts';
import { receiveWal } from './receive-wal.ts';
import { chooseStart } from './start-position.ts';
import { beginAt, surveyReceived } from './survey.ts';
import { HistoryFiles } from './timeline-history.ts';

/** From where to where. */
export interface ModelReceptionOptions {
  readonly server: ModelServer;
  readonly directory: string;
  /** Where complete segments go, if there is such a place. */
  readonly archive?: string | undefined;
  readonly disk?: Disk | undefined;
  /** Of the last connection of this process. */
  readonly before?: Positions | undefined;
  readonly flushPolicy?: 'continuous' | 'segment' | undefined;
  /** Told how far it has come, before it begins. */
  readonly onBegin?: ((positions: Positions) => void) | undefined;
  readonly onSegment?: (() => void) | undefined;
}

/** Receives until the server has no more. @throws what ends it before */
export async function receiveFromModel(options: ModelReceptionOptions): Promise<void> {
  const { server, directory, archive, disk = nodeDisk, before, onSegment } = options;
  const connection = server.connect().asConnection();
  const histories = new HistoryFiles({ connection, directory, disk });
  const walSegmentSize = segmentSize;
  const { facts, resume } = await surveyReceived({
    connection,
    system: await connection.identifySystem(),
    directory,
    walSegmentSize,
    histories,
    flushed: before === undefined ? undefined : { timelineId: before.timelineId, lsn: before.flushedLsn },
    archiveEnd: async () => (archive === undefined ? undefined : archiveEnd(archive, disk)),
    openArchived: async (name) => (archive === undefined ? undefined : openArchived(join(archive, name), disk)),
    disk,
  });
  // a slot is made before the first contact, so it keeps all of this WAL
  const slotRestartLsn = server.acknowledgedLsn ?? server.options.wal.startLsn;
  const { positions, checker } = beginAt(chooseStart({ ...facts, slotRestartLsn, slotRestartTimelineId: timelineId }), resume);
  options.onBegin?.(positions);
  await receiveWal({
    connection,
    directory,
    walSegmentSize,
    positions,
    histories,
    checker,
    flushPolicy: options.flushPolicy,
    stop: new AbortController().signal,
    observer: { segmentCompleted: () => onSegment?.() },
    disk,
  });
}

async function archiveEnd(archive: string, disk: Disk): Promise<{ timelineId: typeof timelineId; lsn: Lsn } | undefined> {
  const ends = (await readDirectory(archive, disk)).map(({ name }) => {
    const file = tryParseWalFileName(name);
    return file?.kind === 'segment' ? segmentEndLsn(segmentNumberOfName(file, segmentSize), segmentSize) : invalidLsn;
  });
  const lsn = ends.reduce((highest, end) => (end > highest ? end : highest), invalidLsn);
  return lsn === invalidLsn ? undefined : { timelineId, lsn };
}

async function openArchived(path: string, disk: Disk): Promise<AsyncIterable<Buffer> | undefined> {
  try {
    return Readable.from([(await readStart(path, segmentSize, disk)).bytes]);
  } catch (error) {
    if (error instanceof FileSystemError && error.code === 'ERR_PATH_MISSING') return undefined;
    throw error;
  }
}
