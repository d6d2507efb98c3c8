/**
 * Removes lock files that nobody uses, and no other: the file is held, moved aside, and looked at once more before it goes.
 *
 * Somebody may open the file at any moment and lock it afterwards. One of ours notices that the file has no name any more, and opens
 * the new one (`tryLock`). Barman does not notice; its flock(2) on the file that was moved aside is seen, and the file put back.
 */
import { type FileHandle, link, open, unlink } from 'node:fs/promises';
import { renameFile } from './durable-rename.ts';
import { errnoOf, fileSystemError } from './errors.ts';
import { isFlocked, takeOpenLock } from './file-lock.ts';

/** Appended to the name of a lock file while it is on its way out. A crash may leave one. */
export const removedLockSuffix = '.removed';

/**
 * Removes the lock file at `path` unless its lock is held, by whatever process.
 * @returns whether it was removed; false also when it is not there
 * @throws {FileSystemError} when it cannot be opened or removed
 */
export async function removeUnusedLock(path: string): Promise<boolean> {
  const file = await openIfThere(path);
  if (file === undefined) return false;
  try {
    if (!(await takeOpenLock(file, path))) return false;
    const aside = `${path}${removedLockSuffix}`;
    await renameFile(path, aside);
    const isInUse = await isFlocked(file);
    // Where a new file has the name already, the old one is no use to anybody.
    if (isInUse) await link(aside, path).catch(ignoreExisting);
    await unlink(aside);
    return !isInUse;
  } catch (error) {
    throw fileSystemError('remove the lock', path, error);
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('open', path, error);
  }
}

function ignoreExisting(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error;
}
