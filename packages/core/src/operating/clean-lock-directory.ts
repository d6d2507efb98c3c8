/** lock-directory-cleanup: lock files of servers and tasks that are no more. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '@walvault/config';
import { errnoOf, FileSystemError, readDirectory, removedLockSuffix, removeUnusedLock } from '@walvault/durable-fs';
import { deletionEveryMs } from '../deletion-interval.ts';
import { serverTasks } from '../server-paths.ts';

/** What Barman has of locks beside those of tasks: of xlog.db, of base backups, and of the whole installation. */
const suffixes = [...serverTasks, 'xlogdb', '[0-9]{8}T[0-9]{6}', '[0-9]{8}T[0-9]{6}-sync-backup'].join('|');
/** One that was on its way out when its remover was killed goes, too. */
const shape = new RegExp(`^[.](?:.+-(?:${suffixes})|config-update|cron)[.]lock(?:${removedLockSuffix.replace('.', '[.]')})?$`);

/** It tells when WAL was deleted last, and so when that is due again: a younger one stays. */
const deletionLock = /-delete-wal[.]lock$/;

/**
 * Removes the lock files of Barman and walvault that no process holds, whatever server they are of, and no other file. That of delete-wal stays
 * while it says when WAL was deleted last. Those of another user, which this one may not touch, stay, too.
 * @returns the names of those removed, sorted
 * @throws {FileSystemError} when the directory cannot be read or a file not be removed for another reason; those before it are gone
 */
export async function cleanLockDirectory({ globals: { lockDirectory } }: Configuration): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await lockNames(lockDirectory)) {
    const path = join(lockDirectory, name);
    if (deletionLock.test(name) && (await isYoung(path))) continue;
    if (await removeUnusedLock(path).catch(falseIfNotPermitted)) removed.push(name);
  }
  return removed;
}

async function isYoung(path: string): Promise<boolean> {
  const modifiedAtMs = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.NEGATIVE_INFINITY,
  );
  return Math.abs(Date.now() - modifiedAtMs) < deletionEveryMs;
}

/** In a directory that nobody has made yet there are none. */
async function lockNames(directory: string): Promise<readonly string[]> {
  const entries = await readDirectory(directory).catch((error: unknown) => {
    if (error instanceof Error && errnoOf(error.cause) === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && shape.test(entry.name))
    .map(({ name }) => name)
    .toSorted();
}

function falseIfNotPermitted(error: unknown): boolean {
  if (error instanceof FileSystemError && error.code === 'ERR_NOT_PERMITTED') return false;
  throw error;
}
