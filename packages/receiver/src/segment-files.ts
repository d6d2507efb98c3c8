/**
 * The files that segments are received into, made ahead where that helps.
 *
 * What is made ahead bears a name that no tool takes for a segment, until it gets its real one. A new file is sparse. While
 * the stream has nothing to catch up with, the next one is filled with zeros, little by little: a later fdatasync then
 * finds its blocks written and has no metadata to write, so that commits which wait for us wait a third less. Catching up,
 * filling would only write everything twice.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disk, DurableFile, durableUnlink, errnoOf, fileSystemError, nodeDisk } from '@walvault/durable-fs';
import type { WalSegmentSize } from '@walvault/wal';

/** What {@link SegmentFiles} need. */
export interface SegmentFilesOptions {
  readonly directory: string;
  readonly walSegmentSize: WalSegmentSize;
  /** Permission bits of new files; 0600 unless given. */
  readonly fileMode?: number | undefined;
  readonly disk?: Disk | undefined;
}

/** There is never more than one, and a crash leaves at most one behind. Archivers leave names like this alone. */
const aheadName = '.next-segment.tmp';
const fillPiece = 1024 * 1024;
/** Between two pieces, so that the disk is free for what somebody waits for. */
const fillPauseMs = 10;

interface Filling {
  readonly file: DurableFile;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Opens and prepares the segment files of one directory. */
export class SegmentFiles implements AsyncDisposable {
  readonly #options: SegmentFilesOptions;
  readonly #aheadPath: string;
  #filling: Promise<Filling | undefined> | undefined;
  /** The last one that was given away: until it has moved, the name is taken. */
  #given: DurableFile | undefined;
  #isClosed = false;

  constructor(options: SegmentFilesOptions) {
    this.#options = options;
    this.#aheadPath = this.pathOf(aheadName);
  }

  /**
   * Opens a segment file under its own name, or makes it.
   * @param mustExist what is in the file is relied on
   */
  async open(name: string, mustExist: boolean): Promise<DurableFile> {
    const { walSegmentSize, fileMode, disk } = this.#options;
    return DurableFile.open({ path: this.pathOf(name), size: walSegmentSize, mode: fileMode, mustExist, disk });
  }

  /** Whether a file is there. */
  async has(name: string): Promise<boolean> {
    const disk = this.#options.disk ?? nodeDisk;
    const path = this.pathOf(name);
    return disk.stat(path).then(
      () => true,
      (error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return false;
        throw fileSystemError('look at', path, error);
      },
    );
  }

  /** The path of a file in the directory. */
  pathOf(name: string): string {
    return join(this.#options.directory, name);
  }

  /** A file of zeros that has no name of a segment yet. It belongs to the caller, who moves it before asking for another one. */
  async openAhead(): Promise<DurableFile> {
    const filling = await this.#filling;
    this.#filling = undefined;
    filling?.stop.abort();
    await filling?.done;
    this.#given = filling?.file ?? (await this.#newAhead());
    return this.#given;
  }

  /**
   * Begins to make the next file, unless there is one already or the last one has not moved yet. What goes wrong with that is left
   * to {@link openAhead}.
   */
  prepare(): void {
    if (!this.#isClosed && !this.#isNameTaken) this.#filling ??= this.#beginFilling();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const filling = await this.#filling;
    filling?.stop.abort();
    await filling?.done;
    await filling?.file[Symbol.asyncDispose]().catch(() => undefined);
    // what cannot be removed now does no harm, and the next one who makes such a file removes it
    await durableUnlink(this.#aheadPath, this.#options.disk).catch(() => undefined);
  }

  /** Not before the rename is done: what is made meanwhile could be renamed in its place. */
  get #isNameTaken(): boolean {
    return this.#given?.path === this.#aheadPath;
  }

  async #beginFilling(): Promise<Filling | undefined> {
    try {
      const file = await this.#newAhead();
      const stop = new AbortController();
      return { file, stop, done: fill(file, this.#options.walSegmentSize, stop.signal) };
    } catch {
      return undefined;
    }
  }

  /** What an earlier process left there may hold anything. */
  async #newAhead(): Promise<DurableFile> {
    assert(!this.#isNameTaken, 'a file that was made ahead has its own name before the next one is made');
    await durableUnlink(this.#aheadPath, this.#options.disk);
    return this.open(aheadName, false);
  }
}

/** Never rejects: a file that is not filled to its end is as good as a sparse one, and what is wrong with the disk shows soon. */
async function fill(file: DurableFile, size: number, signal: AbortSignal): Promise<void> {
  try {
    for (let at = 0; at < size && !signal.aborted; at += fillPiece) {
      await file.fill(at, Math.min(at + fillPiece, size), signal);
      await file.sync();
      await sleep(fillPauseMs, undefined, { signal });
    }
  } catch {
    // see above
  }
}
