/**
 * Turns WAL data into segment files: NAME.partial of full size while it is written, NAME when all of it is durable.
 *
 * Writing and making durable are apart: `write` returns when the kernel has the bytes, `flush` makes everything
 * durable that was written before it began. A full segment gets its final name from a flush, and the next one is
 * received meanwhile, into a file that is called NAME.partial only when the one before is complete: after a crash the
 * highest file name decides where streaming goes on, here and in pg_receivewal, so a NAME.partial below it would never be
 * completed.
 */
import type { DurableFile } from '@walvault/durable-fs';
import {
  addToLsn,
  type Lsn,
  offsetInSegment,
  partialSuffix,
  segmentEndLsn,
  segmentNumberOf,
  type WalFault,
  walFileNameAt,
} from '@walvault/wal';
import { badWal, type ReceiverError, walGap } from './errors.ts';
import type { Positions } from './positions.ts';
import { SegmentFiles, type SegmentFilesOptions } from './segment-files.ts';

/** Some WAL: bytes and where they belong. The bytes are only read, and only until `write` has returned. */
export interface WalPiece {
  readonly dataStart: Lsn;
  readonly data: Buffer;
}

/** Looks at WAL while it is written. */
export interface PieceChecker {
  /** What is wrong with the bytes that follow those of the last call. */
  check(data: Buffer): WalFault | undefined;
  /** Just behind the last whole record. */
  readonly verifiedLsn: Lsn;
}

/** What a {@link SegmentWriter} needs. */
export interface SegmentWriterOptions extends SegmentFilesOptions {
  readonly positions: Positions;
  /** Called when a segment has its final name, durably. */
  readonly onSegment: (name: string) => void;
  /** Called when a segment is full and waits for a {@link SegmentWriter.flush}. */
  readonly onFull: () => void;
  /**
   * Whether somebody may wait for the flushes: the first file is then filled with zeros too, if it is new and the stream has less than a
   * segment to catch up with. False unless given.
   */
  readonly fillFirst?: boolean | undefined;
  /** Whether others work in this thread, whom a disk that hangs all at once must not hold up: it is never waited for in it. False unless given. */
  readonly isThreadShared?: boolean | undefined;
  /** Stands where the writing starts. */
  readonly checker?: PieceChecker | undefined;
}

/** Larger segments would hold up their first bytes for too long. */
const mostToFillAtOnce = 64 * 1024 * 1024;

/**
 * So little, on a disk that was so quick the last time, is flushed in this thread: going over to another one and back takes longer than
 * that, most of all where the processors are busy with the commits that wait for it.
 */
const littleToFlush = 64 * 1024;
const quickFlushMs = 2;

interface OpenSegment {
  readonly name: string;
  readonly endLsn: Lsn;
  readonly file: DurableFile;
  /** Settles when the file has its own name; undefined before it is given. */
  named: Promise<void> | undefined;
}

/** Writes the segments of one timeline; disposing closes the files, leaves what is not complete as `.partial`, and never throws. */
export class SegmentWriter implements AsyncDisposable {
  readonly #options: SegmentWriterOptions;
  readonly #files: SegmentFiles;
  #current: OpenSegment | undefined;
  /** Full, and not complete yet. */
  #full: OpenSegment | undefined;
  #completed = Promise.withResolvers<void>();
  #isFirst = true;
  /** Whether the disk was quick with the last flush of what does not fill a segment. */
  #isQuick = false;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.#files = new SegmentFiles(options);
  }

  /** Whether a full segment waits for its final name. */
  get hasFullSegment(): boolean {
    return this.#full !== undefined;
  }

  /** Makes the next file ready while there is time for that. */
  prepareNext(): void {
    if (this.#current !== undefined && this.#full === undefined) this.#files.prepare();
  }

  /**
   * Writes pieces of WAL, which must follow one another and the position reached. Waits for a flush when two segments are full.
   * @throws {ReceiverError} `ERR_WAL_GAP` when a piece does not follow, or what the checker finds; what is right before it is written
   * @throws {FileSystemError} when the file cannot be written, or the full one not be completed
   */
  async write(pieces: readonly WalPiece[]): Promise<void> {
    const { positions, walSegmentSize } = this.#options;
    let run: Buffer[] = [];
    let runStart = positions.writtenLsn;
    let expected = runStart;
    for (const { dataStart, data } of pieces) {
      if (dataStart !== expected) {
        await this.#writeRun(run, runStart);
        throw walGap(expected, dataStart, this.#pathAt(expected));
      }
      let rest = data;
      while (rest.length > 0) {
        const room = walSegmentSize - offsetInSegment(expected, walSegmentSize);
        const part = rest.length > room ? rest.subarray(0, room) : rest;
        run.push(part);
        expected = addToLsn(expected, part.length);
        rest = rest.subarray(part.length);
        if (part.length < room) continue;
        await this.#writeRun(run, runStart);
        run = [];
        runStart = expected;
      }
    }
    await this.#writeRun(run, runStart);
  }

  /**
   * Gives the full segment its final name, with everything durable that was written to it; unless `fullOnly`, makes durable as well
   * what was written to the next one before this call. Then moves the flushed position. Not to be called while a flush is running.
   * @throws {FileSystemError} when a step fails; the flushed position then stands at what is sure.
   */
  async flush(fullOnly = false): Promise<void> {
    const target = this.#options.positions.writtenLsn;
    const current = this.#current;
    try {
      if (this.#full !== undefined) await this.#complete(this.#full);
      if (current !== undefined) await this.#flushCurrent(current, fullOnly ? undefined : target);
    } catch (error) {
      this.giveUp(error);
      throw error;
    }
  }

  /** No flush comes any more: a {@link write} that waits for one fails with this, now or later. */
  giveUp(error: unknown): void {
    this.#completed.promise.catch(() => undefined); // there need not be anybody who waits
    this.#completed.reject(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // what is not flushed is not relied on: a file that cannot be closed in good order takes nothing from it
    await this.#full?.file[Symbol.asyncDispose]().catch(() => undefined);
    await this.#current?.file[Symbol.asyncDispose]().catch(() => undefined);
    await this.#files[Symbol.asyncDispose]();
  }

  async #complete(full: OpenSegment): Promise<void> {
    const { positions, onSegment } = this.#options;
    await full.file.completeAs(this.#files.pathOf(full.name));
    positions.flushedTo(full.endLsn);
    this.#full = undefined;
    this.#completed.resolve();
    this.#completed = Promise.withResolvers();
    onSegment(full.name);
  }

  /** The segment may become full meanwhile; then this is not its end, and the next flush completes it. */
  async #flushCurrent(segment: OpenSegment, target: Lsn | undefined): Promise<void> {
    const { positions } = this.#options;
    await this.#giveName(segment);
    if (target === undefined || target <= positions.flushedLsn) return;
    const startedAt = performance.now();
    await segment.file.sync(this.#isQuick && target - positions.flushedLsn <= littleToFlush);
    this.#isQuick = this.#options.isThreadShared !== true && performance.now() - startedAt < quickFlushMs;
    positions.flushedTo(target);
  }

  /**
   * Writes bytes that all lie in one segment, and checks them while the system takes them over. What is behind the last right record
   * may be in the file then, but it counts for nothing.
   */
  async #writeRun(run: readonly Buffer[], startLsn: Lsn): Promise<void> {
    if (run.length === 0) return;
    const { positions, walSegmentSize, checker } = this.#options;
    this.#current ??= await this.#begin(startLsn);
    const segment = this.#current;
    if (this.#full === undefined) await this.#giveName(segment);
    const writing = segment.file.write(run, offsetInSegment(startLsn, walSegmentSize), this.#isQuick);
    const fault = this.#check(run);
    await writing;
    if (fault !== undefined) throw this.#refuse(fault);
    const endLsn = run.reduce<Lsn>((lsn, part) => addToLsn(lsn, part.length), startLsn);
    const isFull = endLsn === segment.endLsn;
    if (isFull) {
      if (this.#full !== undefined) await this.#completed.promise;
      await this.#giveName(segment); // the name that it had is wanted for the next one
      this.#full = segment;
      this.#current = undefined;
    }
    const verifiedLsn = checker?.verifiedLsn ?? endLsn;
    positions.wroteTo(endLsn, verifiedLsn < endLsn ? verifiedLsn : endLsn);
    if (isFull) this.#options.onFull();
  }

  /** What is wrong with the first bytes that are. */
  #check(run: readonly Buffer[]): WalFault | undefined {
    for (const part of run) {
      const fault = this.#options.checker?.check(part);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** The whole right records before the fault count. */
  #refuse(fault: WalFault): ReceiverError {
    const { positions, checker } = this.#options;
    const verifiedLsn = checker?.verifiedLsn ?? positions.writtenLsn;
    if (verifiedLsn > positions.writtenLsn) positions.wroteTo(verifiedLsn);
    return badWal(fault, this.#pathAt(fault.lsn));
  }

  async #begin(lsn: Lsn): Promise<OpenSegment> {
    const { positions, walSegmentSize } = this.#options;
    const name = walFileNameAt(positions.timelineId, lsn, walSegmentSize);
    const endLsn = segmentEndLsn(segmentNumberOf(lsn, walSegmentSize), walSegmentSize);
    // who starts inside a segment relies on what is in the file before that
    const isInside = offsetInSegment(lsn, walSegmentSize) > 0;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (isFirst && !isInside)
      return { name, endLsn, file: await this.#openFirst(name + partialSuffix), named: Promise.resolve() };
    const isThere = isInside || (await this.#files.has(name + partialSuffix));
    if (isThere) {
      return { name, endLsn, file: await this.#files.open(name + partialSuffix, isInside), named: Promise.resolve() };
    }
    return { name, endLsn, file: await this.#files.openAhead(), named: undefined };
  }

  /** What is in a file that is there already stays, until it is written over with the same. */
  async #openFirst(name: string): Promise<DurableFile> {
    const { positions, walSegmentSize, fillFirst = false } = this.#options;
    const isNew = !(await this.#files.has(name));
    const file = await this.#files.open(name, false);
    const hasTime = positions.serverLsn - positions.writtenLsn < walSegmentSize && walSegmentSize <= mostToFillAtOnce;
    try {
      if (fillFirst && isNew && hasTime) await file.fill(0, walSegmentSize);
      return file;
    } catch (error) {
      await file[Symbol.asyncDispose]().catch(() => undefined); // what went wrong before says more
      throw error;
    }
  }

  /** Only when the segment before is complete. */
  async #giveName(segment: OpenSegment): Promise<void> {
    segment.named ??= segment.file.moveTo(this.#files.pathOf(segment.name + partialSuffix));
    await segment.named;
  }

  #pathAt(lsn: Lsn): string {
    const { positions, walSegmentSize } = this.#options;
    return this.#files.pathOf(walFileNameAt(positions.timelineId, lsn, walSegmentSize) + partialSuffix);
  }
}
