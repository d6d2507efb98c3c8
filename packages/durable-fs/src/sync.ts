/**
 * fsync of files and directories. Nothing else in walvault calls it.
 *
 * A failed sync is fatal for that file (see PostgreSQL's commit 9ccdd7f66e and `fsync_fname`, common/file_utils.c):
 * the kernel may have dropped the dirty pages and report success the next time.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileSystemError, syncError } from './errors.ts';

/**
 * Makes the content of a file durable.
 * @throws {FileSystemError} `ERR_SYNC_FAILED`, or the reason why it cannot be opened.
 */
export async function syncFile(path: string): Promise<void> {
  await syncPath(path);
}

/**
 * Makes the entries of a directory durable: files that were created, renamed or removed in it.
 * @throws {FileSystemError} `ERR_SYNC_FAILED`, or the reason why it cannot be opened.
 */
export async function syncDirectory(path: string): Promise<void> {
  await syncPath(path);
}

/** Makes the entry of `path` in its directory durable. */
export async function syncParent(path: string): Promise<void> {
  await syncPath(dirname(path));
}

async function syncPath(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw fileSystemError('open', path, error);
  }
  try {
    await handle.sync();
  } catch (error) {
    throw syncError(path, error);
  } finally {
    await handle.close().catch(() => undefined); // opened to read: nothing hangs on it, and the sync has had its say
  }
}
