/** Waiting for a lock that is held for a while, by an archiver for instance. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLock, lockOwner, tryLock } from '@walvault/durable-fs';
import { ArchiverBusyError } from '../errors.ts';

const pauseMs = 50;

/**
 * Takes a lock as soon as it is free.
 * @throws {ArchiverBusyError} when it is not free within `patienceMs` milliseconds
 * @throws the reason of the signal
 */
export async function waitForLock(path: string, patienceMs: number, signal: AbortSignal | undefined): Promise<FileLock> {
  for (const deadline = performance.now() + patienceMs; ; ) {
    const lock = await tryLock(path);
    if (lock !== undefined) return lock;
    if (performance.now() >= deadline) throw new ArchiverBusyError(path, (await lockOwner(path))?.pid);
    await sleep(pauseMs, undefined, { signal });
  }
}
