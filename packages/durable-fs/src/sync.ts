/**
 * fsync of files and directories. Nothing else in walvault calls it.
 *
 * A failed sync is fatal for that file (see PostgreSQL's commit 9ccdd7f66e and `fsync_fname`, common/file_utils.c):
 * the kernel may have dropped the dirty pages and report success the next time.
 */
import { dirname } from 'node:path';
import { type Disk, type DiskFile, nodeDisk } from './disk.ts';
import { fileSystemError, syncError } from './errors.ts';

/**
 * Makes the content of a file durable.
 * @throws {FileSystemError} `ERR_SYNC_FAILED`, or the reason why it cannot be opened.
 */
export async function syncFile(path: string, disk: Disk = nodeDisk): Promise<void> {
  await syncPath(path, disk);
}

/**
 * Makes the entries of a directory durable: files that were created, renamed or removed in it.
 * @throws {FileSystemError} `ERR_SYNC_FAILED`, or the reason why it cannot be opened.
 */
export async function syncDirectory(path: string, disk: Disk = nodeDisk): Promise<void> {
  await syncPath(path, disk);
}

/** Makes the entry of `path` in its directory durable. */
export async function syncParent(path: string, disk: Disk = nodeDisk): Promise<void> {
  await syncPath(dirname(path), disk);
}

async function syncPath(path: string, disk: Disk): Promise<void> {
  let file: DiskFile;
  try {
    file = await disk.open(path, 'r');
  } catch (error) {
    throw fileSystemError('open', path, error);
  }
  try {
    await file.sync();
  } catch (error) {
    throw syncError(path, error);
  } finally {
    await file.close().catch(() => undefined); // opened to read: nothing hangs on it, and the sync has had its say
  }
}
