/** Directories that are still there after a power cut. */
import { dirname, resolve } from 'node:path';
import { type Disk, nodeDisk } from './disk.ts';
import { errnoOf, fileSystemError } from './errors.ts';
import { syncParent } from './sync.ts';

/** Choices for {@link makeDirectories}. */
export interface MakeDirectoriesOptions {
  /** Permission bits of new directories; 0755 unless given. */
  readonly mode?: number | undefined;
  /** Where they are; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/**
 * Makes a directory and those above it that are missing, each durable in the one above. One that is there is fine.
 *
 * One after the other: Node's `recursive` tries for ever where a file system has no directory and makes none (ENOENT), as /proc
 * does, or an automounter whose server is away.
 * @throws {FileSystemError}
 */
export async function makeDirectories(path: string, options: MakeDirectoriesOptions = {}): Promise<void> {
  const { mode = 0o755, disk = nodeDisk } = options;
  const wanted = resolve(path);
  try {
    const missing: string[] = [];
    for (let at = wanted; !(await isThere(at, disk)); at = dirname(at)) missing.unshift(at);
    for (const directory of missing) {
      await disk.mkdir(directory, { recursive: false, mode }).catch(unlessMadeMeanwhile);
      await syncParent(directory, disk);
    }
  } catch (error) {
    throw fileSystemError('create the directory', wanted, error);
  }
}

async function isThere(path: string, disk: Disk): Promise<boolean> {
  try {
    const facts = await disk.lstat(path, { bigint: true });
    if (facts.isFile()) throw Object.assign(new Error(`"${path}" is a file`), { code: 'EEXIST' });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) return false;
    throw error;
  }
}

function unlessMadeMeanwhile(error: unknown): undefined {
  if (errnoOf(error) !== 'EEXIST') throw error;
}
