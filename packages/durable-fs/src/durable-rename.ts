/** Renames that are still true after a power cut (`durable_rename`, storage/file/fd.c). */
import { dirname } from 'node:path';
import { type Disk, nodeDisk } from './disk.ts';
import { errnoOf, fileSystemError } from './errors.ts';
import { syncDirectory, syncFile } from './sync.ts';

/** Choices for {@link durableRename}. */
export interface DurableRenameOptions {
  /** The content of `from` is durable already; spare the fsync of the file. */
  readonly contentIsDurable?: boolean | undefined;
  /** Where the files are; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/**
 * Renames a file in one step for every reader, without making that survive a power cut.
 * @throws {FileSystemError} when it cannot be renamed.
 */
export async function renameFile(from: string, to: string, disk: Disk = nodeDisk): Promise<void> {
  try {
    await disk.rename(from, to);
  } catch (error) {
    throw fileSystemError(`rename to "${to}" the file`, from, error);
  }
}

/**
 * Renames a file so that after a crash either the old or the new name has the whole content: fsync of the file,
 * rename, fsync of the directory (of both, when they differ). An existing `to` is replaced.
 * @throws {FileSystemError} when any step fails; `ERR_SYNC_FAILED` after the rename means that it may not be durable.
 */
export async function durableRename(from: string, to: string, options: DurableRenameOptions = {}): Promise<void> {
  const { contentIsDurable = false, disk = nodeDisk } = options;
  if (!contentIsDurable) await syncFile(from, disk);
  await renameFile(from, to, disk);
  await syncDirectory(dirname(to), disk);
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from), disk);
}

/**
 * Removes a file and makes its removal durable. A file that is not there is fine.
 * @throws {FileSystemError} when the file cannot be removed or the directory not be synced.
 */
export async function durableUnlink(path: string, disk: Disk = nodeDisk): Promise<void> {
  try {
    await disk.unlink(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw fileSystemError('remove', path, error);
  }
  await syncDirectory(dirname(path), disk);
}

/**
 * Removes files of one directory and makes their removal durable with one fsync. Files that are not there are fine.
 * @throws {FileSystemError} when a file cannot be removed (those before it are) or the directory not be synced.
 */
export async function durableUnlinkAll(paths: readonly [string, ...string[]], disk: Disk = nodeDisk): Promise<void> {
  for (const path of paths) {
    await disk.unlink(path).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw fileSystemError('remove', path, error);
    });
  }
  await syncDirectory(dirname(paths[0]), disk);
}
