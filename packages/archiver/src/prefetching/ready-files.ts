/**
 * The files that a prefetcher has ready: one directory, made new for each prefetcher, in which a file appears whole and from which it
 * disappears when it is taken.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, type ExactFileFacts, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';
import { readyPrefix, Spool } from './spool.ts';

/** The file in the archive that a ready one was made from, as it was then. */
export interface Source {
  readonly path: string;
  readonly stats: ExactFileFacts;
}

/** Open from {@link ReadyFiles.publish} until it is disposed of; the files are gone then. */
export class ReadyFiles implements AsyncDisposable {
  readonly #spool: Spool;
  readonly #directory: string;
  readonly #handle: FileHandle;
  readonly #sources = new Map<string, Source>();

  private constructor(spool: Spool, directory: string, handle: FileHandle) {
    this.#spool = spool;
    this.#directory = directory;
    this.#handle = handle;
  }

  /** Removes what others left, and shows takers the way to what will be here. The caller holds the lock of the spool. @throws {FileSystemError} */
  static async publish(spool: Spool): Promise<ReadyFiles> {
    await spool.clear();
    const session = `${readyPrefix}${randomUUID()}`;
    const directory = join(spool.directory, session);
    try {
      await mkdir(directory, { mode: 0o700 });
      const handle = await open(spool.directory, 'r');
      const way = `${process.pid}/fd/${handle.fd}/${session}\n`;
      await writeFileAtomic(Spool.wayFile(spool.directory), way, { durable: false });
      return new ReadyFiles(spool, directory, handle);
    } catch (error) {
      throw fileSystemError('make ready', directory, error);
    }
  }

  /** Where a file of this name has to be put. */
  pathOf(name: string): string {
    return join(this.#directory, name);
  }

  has(name: string): boolean {
    return this.#sources.has(name);
  }

  get count(): number {
    return this.#sources.size;
  }

  /** A file was put there. */
  add(name: string, source: Source): void {
    this.#sources.set(name, source);
  }

  /** The names that have been taken since the last time. @throws {FileSystemError} when the directory is gone */
  async taken(): Promise<readonly string[]> {
    // One that is put there while the directory is read may not be in what was read, and is not taken for that.
    const known = [...this.#sources.keys()];
    const present = new Set(
      await readdir(this.#directory).catch((error: unknown) => {
        throw fileSystemError('read the directory', this.#directory, error);
      }),
    );
    const gone = known.filter((name) => !present.has(name));
    for (const name of gone) this.#sources.delete(name);
    return gone;
  }

  /** Removes what is not wanted any more. */
  async keepOnly(wanted: ReadonlySet<string>): Promise<void> {
    for (const name of this.#sources.keys()) if (!wanted.has(name)) await this.#remove(name);
  }

  /** Removes the files whose source is not there as it was: what is handed over is what the archive has. */
  async dropChanged(): Promise<void> {
    for (const [name, source] of this.#sources) if (await hasChanged(source)) await this.#remove(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sources.clear();
    try {
      await this.#spool.clear();
    } finally {
      await this.#handle.close();
    }
  }

  async #remove(name: string): Promise<void> {
    this.#sources.delete(name);
    await rm(this.pathOf(name), { force: true });
  }
}

/** Whether it is another file now, or none. That it cannot be looked at says nothing about it. */
async function hasChanged({ path, stats }: Source): Promise<boolean> {
  try {
    const now = await stat(path, { bigint: true });
    return now.dev !== stats.dev || now.ino !== stats.ino || now.size !== stats.size || now.mtimeNs !== stats.mtimeNs;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}
