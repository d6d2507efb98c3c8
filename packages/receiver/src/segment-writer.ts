/**
 * Turns WAL data into segment files: NAME.partial of full size while it is written, NAME when all of it is durable.
 *
 * Writing and making durable are apart: `write` returns when the kernel has the bytes, `flush` makes everything
 * durable that was written before it began. A full segment waits for the next flush to get its final name, so
 * the stream does not stand still at a segment boundary. How much may be waiting is bounded (`isBacklogged`).
 */
import { join } from 'node:path';
import { DurableFile } from '@walvault/durable-fs';
import {
  addToLsn,
  type Lsn,
  offsetInSegment,
  partialSuffix,
  segmentEndLsn,
  segmentNumberOf,
  type TimelineId,
  walFileNameAt,
  type WalSegmentSize,
} from '@walvault/wal';
import { walGap } from './errors.ts';
import type { Positions } from './positions.ts';

/** A piece of WAL as it came in a message. `data` is only looked at until {@link SegmentWriter.write} settles. */
export interface WalPiece {
  readonly dataStart: Lsn;
  readonly data: Buffer;
}

/** What a {@link SegmentWriter} needs. */
export interface SegmentWriterOptions {
  readonly directory: string;
  readonly walSegmentSize: WalSegmentSize;
  readonly positions: Positions;
  /** Called when a segment has its final name, durably. */
  readonly onSegment: (name: string) => void;
}

interface OpenSegment {
  readonly name: string;
  readonly endLsn: Lsn;
  readonly file: DurableFile;
}

/** Full segments that may wait for their flush before writing pauses. */
const maxWaitingSegments = 4;

/** Writes one timeline after another; disposing closes the files and leaves what is not complete as `.partial`. */
export class SegmentWriter implements AsyncDisposable {
  readonly #options: SegmentWriterOptions;
  #current: OpenSegment | undefined;
  #full: OpenSegment[] = [];

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  /** Whether so much waits to be made durable that writing should pause until a flush is done. */
  get isBacklogged(): boolean {
    return this.#full.length >= maxWaitingSegments;
  }

  /** Whether full segments wait for their final name. */
  get hasFullSegments(): boolean {
    return this.#full.length > 0;
  }

  /**
   * Writes pieces of WAL, which must follow one another and the position reached.
   * @throws {ReceiverError} `ERR_WAL_GAP` when one does not; what came before it is written
   * @throws {FileSystemError} when the file cannot be written
   */
  async write(pieces: readonly WalPiece[]): Promise<void> {
    const { positions } = this.#options;
    let run: Buffer[] = [];
    let runStart = positions.writtenLsn;
    let expected = runStart;
    for (const piece of pieces) {
      if (piece.dataStart !== expected) {
        await this.#writeRun(run, runStart);
        throw walGap(expected, piece.dataStart);
      }
      let rest = piece.data;
      while (rest.length > 0) {
        const room = this.#options.walSegmentSize - offsetInSegment(expected, this.#options.walSegmentSize);
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
   * Makes durable all that was written before this call and gives full segments their final names; then moves the
   * flushed position. Not to be called while a flush is running.
   * @throws {FileSystemError} when a step fails; the flushed position then stands at what is sure.
   */
  async flush(): Promise<void> {
    const { directory, positions, onSegment } = this.#options;
    const target = positions.writtenLsn;
    const current = this.#current;
    for (let full = this.#full[0]; full !== undefined; full = this.#full[0]) {
      await full.file.completeAs(join(directory, full.name));
      this.#full.shift();
      positions.flushedTo(full.endLsn);
      onSegment(full.name);
    }
    if (target <= positions.flushedLsn || current === undefined) return;
    await current.file.sync();
    positions.flushedTo(target);
  }

  /** Leaves the segment at hand as it is (a timeline ended there). Everything must have been flushed. */
  async leave(): Promise<void> {
    await this.#current?.file[Symbol.asyncDispose]();
    this.#current = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const full of this.#full) await full.file[Symbol.asyncDispose]();
    this.#full = [];
    await this.leave();
  }

  /** Writes bytes that all lie in one segment. */
  async #writeRun(run: readonly Buffer[], startLsn: Lsn): Promise<void> {
    if (run.length === 0) return;
    const { positions, walSegmentSize } = this.#options;
    this.#current ??= await this.#open(positions.timelineId, startLsn);
    const segment = this.#current;
    await segment.file.write(run, offsetInSegment(startLsn, walSegmentSize));
    const endLsn = run.reduce<Lsn>((lsn, part) => addToLsn(lsn, part.length), startLsn);
    if (endLsn === segment.endLsn) {
      this.#full.push(segment);
      this.#current = undefined;
    }
    positions.wroteTo(endLsn);
  }

  async #open(timelineId: TimelineId, lsn: Lsn): Promise<OpenSegment> {
    const { directory, walSegmentSize } = this.#options;
    const name = walFileNameAt(timelineId, lsn, walSegmentSize);
    const file = await DurableFile.open({ path: join(directory, name + partialSuffix), size: walSegmentSize });
    return { name, endLsn: segmentEndLsn(segmentNumberOf(lsn, walSegmentSize), walSegmentSize), file };
  }
}
