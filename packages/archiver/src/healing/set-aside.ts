/** Makes room in the archive for a good segment: the bad one goes to the errors directory, with the reason beside it. */
import { lstat } from 'node:fs/promises';
import { errnoOf, fileSystemError, lockOwner, tryLock } from '@walvault/durable-fs';
import { moveAside } from '../archiving/errors-directory.ts';
import { ArchiverBusyError } from '../errors.ts';
import { archiveLockPath, archivePath } from '../wal-files/layout.ts';
import { segmentOf } from './neighbours.ts';

/** What to set aside. */
export interface SetAsideOptions {
  readonly serverName: string;
  readonly lockDirectory: string;
  readonly walsDirectory: string;
  readonly errorsDirectory: string;
  readonly name: string;
  readonly reason: string;
}

/**
 * Moves a segment of the archive to the errors directory; durable when this returns.
 * @returns where it is now; undefined when it was not there
 * @throws {ArchiverBusyError} when an archiver is at work @throws {FileSystemError}
 */
export async function setAside(options: SetAsideOptions): Promise<string | undefined> {
  const { serverName, lockDirectory, walsDirectory, errorsDirectory, name, reason } = options;
  const lockPath = archiveLockPath(lockDirectory, serverName);
  await using lock = await tryLock(lockPath);
  if (lock === undefined) throw new ArchiverBusyError(lockPath, (await lockOwner(lockPath))?.pid);
  const path = archivePath(walsDirectory, segmentOf(name));
  if (!(await isThere(path))) return undefined;
  return await moveAside({ path, errorsDirectory, kind: 'invalid', reason: `replaced by heal-wal: ${reason}` });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fileSystemError('look at', path, error);
  }
}
