/**
 * How far the last segment file can be trusted: its records are read, from the file before it where one goes on from there.
 *
 * So a new process goes on behind the last whole record instead of at the start of the segment, and the server need not hear
 * less than it heard before. What is behind that record may be anything after a crash; it is received again and
 * written over.
 */
import { type Disk, DurableFile, fileSystemError, FileSystemError, nodeDisk, syncDirectory } from '@walvault/durable-fs';
import { join } from 'node:path';
import {
  longPageHeaderSize,
  type Lsn,
  pageFlags,
  type PageHeader,
  readPageHeader,
  segmentEndLsn,
  type SegmentNumber,
  segmentNumberOf,
  segmentStartLsn,
  shortPageHeaderSize,
  WalChecker,
  walFileNameAt,
  type WalSegmentSize,
} from '@walvault/wal';
import { type Lineage, timelineOfSegment } from './lineage.ts';
import type { LatestSegment } from './streaming-directory.ts';

/** What {@link findResumePoint} needs besides the segment. */
export interface ResumeOptions {
  readonly directory: string;
  /** Ends in the timeline of the segment: tells the names of the segments before it. */
  readonly lineage: Lineage;
  readonly walSegmentSize: WalSegmentSize;
  readonly walPageSize: number;
  readonly systemIdentifier: bigint;
  /** A complete segment that has left the directory, by its name. A buffer is used up before the next is asked for. */
  readonly openArchived?: ((name: string) => Promise<AsyncIterable<Buffer> | undefined>) | undefined;
  readonly disk?: Disk | undefined;
}

/** Where streaming can go on. */
export interface ResumePoint {
  readonly lsn: Lsn;
  /** Stands at `lsn` and knows the record that goes on there, if one does and its beginning is still at hand. */
  readonly checker: WalChecker;
}

const pieceSize = 1024 * 1024;

/**
 * Finds the end of the last right record of the latest segment. All before it is durable then.
 * @throws {FileSystemError} when a file cannot be read, or not be made durable
 */
export async function findResumePoint(latest: LatestSegment, options: ResumeOptions): Promise<ResumePoint> {
  const { directory, walSegmentSize, disk } = options;
  const reader = new SegmentReader(latest, options);
  const end = latest.isPartial ? await endOfRecords(latest, reader) : latest.resumeLsn;
  await syncDirectory(directory, disk); // a process that was killed may have left a name that no disk has yet
  if (end > latest.resumeLsn) return { lsn: end, checker: reader.newChecker(end) };
  const before = await reader.checkerBefore(segmentNumberOf(latest.resumeLsn, walSegmentSize));
  return { lsn: latest.resumeLsn, checker: before ?? reader.newChecker(latest.resumeLsn) };
}

/**
 * Where the right records of a partial segment end; its start when it is not sure how the record ends that goes on there, and when
 * nothing is missing behind them: only who writes the end of a segment completes it.
 */
async function endOfRecords(latest: LatestSegment, reader: SegmentReader): Promise<Lsn> {
  const before = await reader.checkerBefore(latest.segment);
  if (before === undefined && (await reader.beginsInsideARecord(latest.name))) return latest.resumeLsn;
  const checker = before ?? reader.newChecker(latest.resumeLsn);
  await reader.secure(latest.name, checker);
  return checker.verifiedLsn < reader.endLsnOf(latest.segment) ? checker.verifiedLsn : latest.resumeLsn;
}

/** Reads segments of a streaming directory, and those before it. */
class SegmentReader {
  readonly #latest: LatestSegment;
  readonly #options: ResumeOptions;

  constructor(latest: LatestSegment, options: ResumeOptions) {
    this.#latest = latest;
    this.#options = options;
  }

  newChecker(startLsn: Lsn): WalChecker {
    const { walSegmentSize, walPageSize, systemIdentifier } = this.#options;
    return new WalChecker({ startLsn, walSegmentSize, walPageSize, systemIdentifier, timelineId: this.#latest.timelineId });
  }

  endLsnOf(segment: SegmentNumber): Lsn {
    return segmentEndLsn(segment, this.#options.walSegmentSize);
  }

  /**
   * A checker at the start of a segment that knows the record that goes on there. It reads the segment before, and further
   * back where a record is longer than that; undefined when what it takes is not there, or is not right.
   */
  async checkerBefore(segment: SegmentNumber): Promise<WalChecker | undefined> {
    const first = await this.#lastWithABeginning(segment);
    if (first === undefined) return undefined;
    const checker = this.newChecker(segmentStartLsn(first, this.#options.walSegmentSize));
    for (let at: bigint = first; at < segment; at += 1n) {
      const isRight = await feed(checker, this.#readEarlier(at as SegmentNumber));
      if (!isRight || checker.checkedLsn !== this.endLsnOf(at as SegmentNumber)) return undefined;
    }
    return checker;
  }

  /** Whether a segment file begins with the rest of a record, as far as its first page can be read. */
  async beginsInsideARecord(name: string): Promise<boolean> {
    const header = await firstHeaderOf(this.read(name, longPageHeaderSize));
    return header === undefined || pageFlags(header).firstIsContinuation;
  }

  /**
   * Checks a partial segment as far as it is right, and makes that durable. It is written once more: after a write-back that
   * failed, what is read may be nowhere but in memory, and the system calls it clean, so that a sync alone would do nothing.
   */
  async secure(name: string, checker: WalChecker): Promise<void> {
    const { directory, walSegmentSize, disk } = this.#options;
    const file = await DurableFile.open({ path: join(directory, name), size: walSegmentSize, disk });
    try {
      const buffer = Buffer.allocUnsafe(Math.min(pieceSize, walSegmentSize));
      for (let at = 0, isRight = true; isRight && at < walSegmentSize; at += buffer.length) {
        await file.read(buffer, at);
        isRight = checker.check(buffer) === undefined;
        await file.write([buffer], at);
      }
      await file.sync();
    } finally {
      await file[Symbol.asyncDispose]().catch(() => undefined); // all that counts is synced
    }
  }

  /** The last segment before this one in which more is than the middle of a record. */
  async #lastWithABeginning(segment: SegmentNumber): Promise<SegmentNumber | undefined> {
    for (let at = segment - 1n; at > 0n; at -= 1n) {
      const header = await firstHeaderOf(this.#readEarlier(at as SegmentNumber));
      if (header === undefined) return undefined;
      if (header.remainingLength <= this.#roomInSegment) return at as SegmentNumber;
    }
    return undefined;
  }

  /** Bytes of records that a segment can hold. */
  get #roomInSegment(): number {
    const { walSegmentSize, walPageSize } = this.#options;
    return walSegmentSize - longPageHeaderSize - (walSegmentSize / walPageSize - 1) * shortPageHeaderSize;
  }

  /** The bytes of a file, from one buffer that is used again and again. */
  async *read(name: string, atOnce = pieceSize): AsyncGenerator<Buffer> {
    const path = join(this.#options.directory, name);
    const buffer = Buffer.allocUnsafe(atOnce);
    try {
      await using file = await (this.#options.disk ?? nodeDisk).open(path, 'r');
      for (let position = 0; ; ) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        position += bytesRead;
      }
    } catch (error) {
      throw fileSystemError('read', path, error);
    }
  }

  /** The bytes of a segment that comes before, wherever it is by now; none when it is nowhere. */
  async *#readEarlier(segment: SegmentNumber): AsyncGenerator<Buffer> {
    const { lineage, walSegmentSize, openArchived } = this.#options;
    const timelineId = timelineOfSegment(lineage, this.endLsnOf(segment));
    const name = walFileNameAt(timelineId, segmentStartLsn(segment, walSegmentSize), walSegmentSize);
    try {
      yield* this.read(name);
      return;
    } catch (error) {
      if (!isMissing(error)) throw error; // when it is opened, or never
    }
    yield* (await openArchived?.(name)) ?? [];
  }
}

async function firstHeaderOf(bytes: AsyncIterable<Buffer>): Promise<PageHeader | undefined> {
  for await (const piece of bytes) return piece.length < longPageHeaderSize ? undefined : readPageHeader(piece);
  return undefined;
}

/** Whether all of it was right. */
async function feed(checker: WalChecker, bytes: AsyncIterable<Buffer>): Promise<boolean> {
  for await (const piece of bytes) if (checker.check(piece) !== undefined) return false;
  return true;
}

function isMissing(error: unknown): boolean {
  return error instanceof FileSystemError && error.code === 'ERR_PATH_MISSING';
}
