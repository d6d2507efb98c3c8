/**
 * Removes files of the archive, by name and one by one, each between its hooks.
 *
 * Directories are only removed when nothing at all is in them. A crash leaves some files removed and the rest whole: they
 * go in the order of their names, and what lists them (xlog.db, the catalogue) is told afterwards, by the caller.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, rmdir, unlink } from 'node:fs/promises';
import { errnoOf, fileSystemError, syncDirectory } from '@walvault/durable-fs';
import type { WalFileName } from '@walvault/wal';
import { type HookOptions, type HookScripts, runPostScripts, runPreScripts } from '../hooks/run-scripts.ts';
import { archivePath, hashDirectoryPath } from '../wal-files/layout.ts';

/** What files are removed with. */
export interface RemoveOptions {
  readonly serverName: string;
  readonly configFile?: string | undefined;
  readonly walsDirectory: string;
  readonly hooks?: HookScripts | undefined;
  readonly hookOptions?: Omit<HookOptions, 'subject'> | undefined;
  /** Name of a file's compression, as xlog.db has it. */
  readonly compressionOf: (name: string) => string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onFile?: ((file: RemovedFile) => void) | undefined;
}

/** A file that is gone. */
export interface RemovedFile {
  readonly name: string;
  /** Bytes that it took. */
  readonly size: number;
}

/** Removes files one after another, and knows which are gone. */
export class FileRemover {
  /** In the order of work. */
  readonly removed: RemovedFile[] = [];
  readonly #options: RemoveOptions;
  readonly #touched = new Map<string, WalFileName>();

  constructor(options: RemoveOptions) {
    this.#options = options;
  }

  /**
   * Removes files until a hook says stop.
   * @returns the name of the file whose hook did; undefined when all are gone
   * @throws {FileSystemError} when one cannot be removed; the signal's reason when it is aborted
   */
  async remove(files: readonly WalFileName[]): Promise<string | undefined> {
    for (const file of files) {
      this.#options.signal?.throwIfAborted();
      const stats = await this.#statsOf(file);
      if (stats !== undefined && (await this.#removeOne(file, stats)) === 'stop') return file.name;
    }
    return undefined;
  }

  /** Makes the removals durable, and removes the directories that nothing is left in. @throws {FileSystemError} */
  async settle(): Promise<void> {
    const { walsDirectory } = this.#options;
    let isEmptied = false;
    for (const directory of this.#touched.keys()) {
      await syncDirectory(directory);
      isEmptied = (await removeIfEmpty(directory)) || isEmptied;
    }
    if (isEmptied) await syncDirectory(walsDirectory);
    this.#touched.clear();
  }

  async #removeOne(file: WalFileName, stats: BigIntStats): Promise<'go' | 'stop'> {
    const { serverName, configFile, walsDirectory, hooks = {}, hookOptions, compressionOf, signal, onFile } = this.#options;
    const path = archivePath(walsDirectory, file);
    const size = Number(stats.size);
    const timestamp = Number(stats.mtimeNs) / 1e9;
    const about = { serverName, configFile, name: file.name, path, size, timestamp, compression: compressionOf(file.name) };
    const options: HookOptions = { ...hookOptions, signal, subject: 'wal_delete' };
    if ((await runPreScripts(hooks, about, options)) === 'stop') return 'stop';
    this.#touched.set(hashDirectoryPath(walsDirectory, file), file);
    try {
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') {
        const failure = fileSystemError('remove', path, error);
        await runPostScripts(hooks, { ...about, error: failure.message }, options);
        throw failure;
      }
    }
    this.removed.push({ name: file.name, size });
    onFile?.({ name: file.name, size });
    await runPostScripts(hooks, about, options);
    return 'go';
  }

  /** Undefined when it is not there any more, or something else is in its place. */
  async #statsOf(file: WalFileName): Promise<BigIntStats | undefined> {
    const path = archivePath(this.#options.walsDirectory, file);
    try {
      const stats = await lstat(path, { bigint: true });
      return stats.isFile() ? stats : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fileSystemError('look at', path, error);
    }
  }
}

async function removeIfEmpty(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) return false;
    throw fileSystemError('remove', directory, error);
  }
}
