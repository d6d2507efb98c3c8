/**
 * Segments of a server, streamed into files: START_REPLICATION at the start of the first one, without a slot, so that nothing
 * of what the server keeps is moved. Nothing is acknowledged either: whoever streams old WAL again is no standby.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { durableRename, writeNewFile } from '@walvault/durable-fs';
import type { ReplicationConnection, ReplicationMessage, ReplicationStream } from '@walvault/protocol';
import { ReceiverError } from '@walvault/receiver';
import {
  addToLsn,
  formatLsn,
  invalidLsn,
  type Lsn,
  type SegmentNumber,
  segmentStartLsn,
  walFileName,
  type WalSegmentSize,
} from '@walvault/wal';
import type { SegmentRange } from './segment-ranges.ts';

/** Where to and how. */
export interface FetchOptions {
  /** Idle; it is again when all segments have come. Whoever leaves before that disposes of it. */
  readonly connection: ReplicationConnection;
  /** Each segment is there under its name when it is complete and durable. */
  readonly directory: string;
  readonly walSegmentSize: WalSegmentSize;
  readonly fileMode: number;
}

/** A stream in which nothing comes for so long is given up. */
const silenceMs = 60_000;

/**
 * Streams segments, and gives the name of each when it is complete. The server must have them all.
 * @throws {ServerError} 58P01 when it has removed one meanwhile
 * @throws {ReceiverError} `ERR_WAL_GAP` when other WAL comes than was asked for, or less; `ERR_SERVER_SILENT`
 * @throws {FileSystemError}
 */
export async function* fetchSegments(options: FetchOptions, range: SegmentRange): AsyncGenerator<string, void, undefined> {
  const { connection, directory, walSegmentSize, fileMode } = options;
  const startLsn = segmentStartLsn(range.first, walSegmentSize);
  const stream = await connection.startReplication({ startLsn, timelineId: range.timelineId });
  if (stream.kind === 'endOfTimeline') throw ended(startLsn);
  const pieces = new WalPieces(connection, stream, startLsn);
  for (let segment: bigint = range.first; segment <= range.last; segment += 1n) {
    const name = walFileName(range.timelineId, segment as SegmentNumber, walSegmentSize);
    const temporary = join(directory, `${name}.tmp`);
    await rm(temporary, { force: true });
    await writeNewFile(temporary, pieces.take(walSegmentSize), { mode: fileMode });
    await durableRename(temporary, join(directory, name));
    yield name;
  }
  await pieces.stop();
}

/** The bytes of a stream, cut into lengths. */
class WalPieces {
  readonly #connection: ReplicationConnection;
  readonly #stream: ReplicationStream;
  readonly #batches: AsyncIterator<readonly ReplicationMessage[], undefined>;
  #expectedLsn: Lsn;
  #messages: readonly ReplicationMessage[] = [];
  /** What is left of a message that went over the end of a segment; valid until the next pull. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(connection: ReplicationConnection, stream: ReplicationStream, startLsn: Lsn) {
    this.#connection = connection;
    this.#stream = stream;
    this.#batches = stream[Symbol.asyncIterator]();
    this.#expectedLsn = startLsn;
  }

  /** So many bytes. Each piece is valid until the next one is asked for. */
  async *take(length: number): AsyncGenerator<Buffer, void, undefined> {
    for (let missing = length; missing > 0; ) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }

  /** Ends the stream in good order. */
  async stop(): Promise<void> {
    this.#stream.stop();
    while ((await this.#pull()) !== undefined);
  }

  async #next(): Promise<Buffer> {
    for (;;) {
      const [message, ...others] = this.#messages;
      if (message === undefined) {
        this.#messages = (await this.#pull()) ?? fail(ended(this.#expectedLsn));
        continue;
      }
      this.#messages = others;
      if (message.kind !== 'walData') this.#answer(message.replyRequested);
      else if (message.dataStart !== this.#expectedLsn) throw otherWal(this.#expectedLsn, message.dataStart);
      else if (message.data.length > 0) {
        this.#expectedLsn = addToLsn(message.dataStart, message.data.length);
        return message.data;
      }
    }
  }

  #answer(isAsked: boolean): void {
    if (isAsked) this.#stream.sendStandbyStatus({ writeLsn: invalidLsn, flushLsn: invalidLsn, applyLsn: invalidLsn });
  }

  async #pull(): Promise<readonly ReplicationMessage[] | undefined> {
    let isSilent = false;
    const timer = setTimeout(() => {
      isSilent = true;
      void this.#connection[Symbol.asyncDispose]();
    }, silenceMs);
    try {
      return (await this.#batches.next()).value;
    } catch (error) {
      throw isSilent ? silence() : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function fail(error: Error): never {
  throw error;
}

function ended(lsn: Lsn): ReceiverError {
  return new ReceiverError('ERR_WAL_GAP', `the server ended the stream at ${formatLsn(lsn)}, before the segment was complete`, {
    lsn,
    hint: 'Its history has changed meanwhile, or it was shut down. Try again.',
  });
}

function otherWal(expected: Lsn, found: Lsn): ReceiverError {
  return new ReceiverError('ERR_WAL_GAP', `WAL from ${formatLsn(found)} came where ${formatLsn(expected)} was due`, {
    lsn: expected,
  });
}

function silence(): ReceiverError {
  return new ReceiverError('ERR_SERVER_SILENT', `no WAL came for ${silenceMs / 1000} s`, {
    hint: 'The server hangs, or the network between drops packets silently. A new connection shows which.',
  });
}
