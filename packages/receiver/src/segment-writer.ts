/**
 * Turns WAL data into segment files: NAME.partial of full size while it is written, NAME when all of it is durable.
 *
 * Writing and making durable are apart: `write` returns when the kernel has the bytes, `flush` makes everything
 * durable that was written before it began. A full segment gets its final name from the next flush, and until it has
 * it the next segment's file is not made: after a crash the highest file name decides where streaming goes on, here
 * and in pg_receivewal, so a NAME.partial below it would never be completed.
 */
import { strict as assert } from 'node:assert';
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
import { type ReceiverError, walGap } from './errors.ts';
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
  /** Looks at a piece before it is written, and gives what is wrong with it. */
  readonly check?: ((dataStart: Lsn, data: Buffer) => ReceiverError | undefined) | undefined;
}

interface OpenSegment {
  readonly name: string;
  readonly endLsn: Lsn;
  readonly file: DurableFile;
}

/** Writes one timeline after another; disposing closes the files and leaves what is not complete as `.partial`. */
export class SegmentWriter implements AsyncDisposable {
  readonly #options: SegmentWriterOptions;
  #current: OpenSegment | undefined;
  #full: OpenSegment | undefined;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  /** Whether a full segment waits for its final name. */
  get hasFullSegment(): boolean {
    return this.#full !== undefined;
  }

  /**
   * Writes pieces of WAL, which must follow one another and the position reached.
   * @param flushed waits for a {@link flush} that begins after the call; needed where one segment ends and the next begins
   * @throws {ReceiverError} `ERR_WAL_GAP` when a piece does not follow, or what `check` finds; the pieces before it are written
   * @throws {FileSystemError} when the file cannot be written
   */
  async write(pieces: readonly WalPiece[], flushed: () => Promise<void>): Promise<void> {
    const { positions } = this.#options;
    let run: Buffer[] = [];
    let runStart = positions.writtenLsn;
    let expected = runStart;
    for (const piece of pieces) {
      const problem =
        piece.dataStart === expected ? this.#options.check?.(piece.dataStart, piece.data) : walGap(expected, piece.dataStart);
      if (problem !== undefined) {
        await this.#writeRun(run, runStart, flushed);
        throw problem;
      }
      let rest = piece.data;
      while (rest.length > 0) {
        const room = this.#options.walSegmentSize - offsetInSegment(expected, this.#options.walSegmentSize);
        const part = rest.length > room ? rest.subarray(0, room) : rest;
        run.push(part);
        expected = addToLsn(expected, part.length);
        rest = rest.subarray(part.length);
        if (part.length < room) continue;
        await this.#writeRun(run, runStart, flushed);
        run = [];
        runStart = expected;
      }
    }
    await this.#writeRun(run, runStart, flushed);
  }

  /**
   * Makes durable all that was written before this call and gives full segments their final names; then moves the
   * flushed position. Not to be called while a flush is running.
   * @throws {FileSystemError} when a step fails; the flushed position then stands at what is sure.
   */
  async flush(): Promise<void> {
    const { directory, positions, onSegment } = this.#options;
    const target = positions.writtenLsn;
    const [full, current] = [this.#full, this.#current];
    if (full !== undefined) {
      await full.file.completeAs(join(directory, full.name));
      this.#full = undefined;
      positions.flushedTo(full.endLsn);
      onSegment(full.name);
    }
    if (target <= positions.flushedLsn || current === undefined) return;
    await current.file.sync();
    positions.flushedTo(target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#full?.file[Symbol.asyncDispose]();
    await this.#current?.file[Symbol.asyncDispose]();
  }

  /** Writes bytes that all lie in one segment. */
  async #writeRun(run: readonly Buffer[], startLsn: Lsn, flushed: () => Promise<void>): Promise<void> {
    if (run.length === 0) return;
    const { positions, walSegmentSize } = this.#options;
    if (this.#full !== undefined) await flushed();
    assert(this.#full === undefined, 'a segment begins when the one before it is complete');
    this.#current ??= await this.#open(positions.timelineId, startLsn);
    const segment = this.#current;
    await segment.file.write(run, offsetInSegment(startLsn, walSegmentSize));
    const endLsn = run.reduce<Lsn>((lsn, part) => addToLsn(lsn, part.length), startLsn);
    if (endLsn === segment.endLsn) {
      this.#full = segment;
      this.#current = undefined;
    }
    positions.wroteTo(endLsn);
  }

  async #open(timelineId: TimelineId, lsn: Lsn): Promise<OpenSegment> {
    const { directory, walSegmentSize } = this.#options;
    const name = walFileNameAt(timelineId, lsn, walSegmentSize);
    const path = join(directory, name + partialSuffix);
    // who starts inside a segment relies on what is in the file before that
    const mustExist = offsetInSegment(lsn, walSegmentSize) > 0;
    const file = await DurableFile.open({ path, size: walSegmentSize, mustExist });
    return { name, endLsn: segmentEndLsn(segmentNumberOf(lsn, walSegmentSize), walSegmentSize), file };
  }
}
