/**
 * The spool: segments that are ready for a recovering server before it asks. One directory for one archive and one recovery.
 *
 *   lock              held by the prefetcher as long as it lives; freed by the kernel
 *   asked             the segment that restore-wal was asked for last, and did not find here
 *   prefetcher        the way to the ready files, below /proc: PID/fd/N/ready-UUID
 *   ready-UUID/NAME   a segment, whole and checked, under its final name in one step
 *
 * A ready file counts only as long as the process that made it lives: the way leads through an open directory of that process, so
 * it ends in nothing the moment the process is gone, however it went, and the UUID keeps another process with its PID from being taken
 * for it. What a crash leaves behind is therefore never handed over, and nothing here has to be synced. While it lives the
 * prefetcher takes away what no longer is what the archive has (see prefetcher.ts).
 *
 * A shell can go that way without starting Node.js; `fastPath` has the words for it.
 */
import { copyFile, lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, fileSystemError, lockOwner, renameFile, tryLock, writeFileAtomic } from '@walvault/durable-fs';
import { SpoolError } from '../errors.ts';

/** A spool in a directory that nobody but this user and the superuser can write to. */
export class Spool {
  /** Absolute path. */
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** The file that says where the ready files are, for a spool in `directory`. */
  static wayFile(directory: string): string {
    return join(directory, 'prefetcher');
  }

  /**
   * Opens the spool in `directory`, making it and the directory above it (0700).
   * @throws {SpoolError} `ERR_SPOOL_UNSAFE` when somebody else could put files there
   * @throws {FileSystemError} when it cannot be made
   */
  static async open(directory: string): Promise<Spool> {
    const path = resolve(directory);
    for (const level of [dirname(path), path]) {
      await mkdir(level, { mode: 0o700 }).catch((error: unknown) => {
        if (errnoOf(error) !== 'EEXIST') throw fileSystemError('create the directory', level, error);
      });
      await refuseUnsafe(level);
    }
    return new Spool(path);
  }

  /** Lock of the prefetcher. */
  get lockPath(): string {
    return join(this.directory, 'lock');
  }

  get askedPath(): string {
    return join(this.directory, 'asked');
  }

  /** Whether a prefetcher is at work. */
  async hasPrefetcher(): Promise<boolean> {
    return (await lockOwner(this.lockPath)) !== undefined;
  }

  /**
   * Moves a ready segment to `destination`, replacing what is there in one step.
   * @returns false when it is not ready. Trouble with the spool is no reason not to serve the file from the archive, so it is false, too.
   */
  async take(name: string, destination: string): Promise<boolean> {
    try {
      const way = (await readFile(Spool.wayFile(this.directory), 'utf8')).trim();
      await moveOver(join('/proc', way, name), destination);
      return true;
    } catch {
      return false;
    }
  }

  /** Tells the prefetcher, or the next one, what recovery asks for now. @throws {FileSystemError} */
  async ask(name: string): Promise<void> {
    await writeFileAtomic(this.askedPath, `${name}\n`, { durable: false });
  }

  /** Sends the prefetcher away, which takes what is ready with it: its room is needed. @throws {FileSystemError} */
  async dismiss(): Promise<void> {
    await this.sweep();
    await this.ask(goAway);
  }

  /** Removes what a prefetcher that was killed has left, unless one is at work. @throws {FileSystemError} */
  async sweep(): Promise<void> {
    if ((await leftOvers(this.directory)).length === 0) return;
    await using lock = await tryLock(this.lockPath);
    if (lock !== undefined) await this.clear();
  }

  /** Removes every ready file, and the way to them first. The caller holds the lock. @throws {FileSystemError} */
  async clear(): Promise<void> {
    await rm(Spool.wayFile(this.directory), { force: true });
    for (const name of await leftOvers(this.directory)) await rm(join(this.directory, name), { recursive: true, force: true });
  }
}

/** In place of the name of a segment: a prefetcher that reads this ends. */
export const goAway = 'go-away' as const;

/** What ready directories are called, before the UUID. */
export const readyPrefix = 'ready-';

async function leftOvers(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.startsWith(readyPrefix));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileSystemError('read the directory', directory, error);
  }
}

/** A link in place of a directory, another owner or a mode that lets others write: whoever that is could hand WAL to the server. */
async function refuseUnsafe(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: unknown) => {
    throw fileSystemError('look at', path, error);
  });
  if (!stats.isDirectory()) throw new SpoolError(path, 'is no directory');
  if (stats.uid !== process.geteuid?.()) throw new SpoolError(path, `belongs to the user with the ID ${stats.uid}`);
  if ((stats.mode & 0o022) !== 0) throw new SpoolError(path, 'can be written to by others');
}

async function moveOver(source: string, destination: string): Promise<void> {
  try {
    await renameFile(source, destination);
  } catch (error) {
    if (errnoOf((error as Error).cause) !== 'EXDEV') throw error;
    const temporary = join(dirname(destination), `.${basename(destination)}.${process.pid}.tmp`);
    try {
      await copyFile(source, temporary);
      await renameFile(temporary, destination);
    } catch (failure) {
      await rm(temporary, { force: true });
      throw failure;
    }
    await rm(source, { force: true });
  }
}
