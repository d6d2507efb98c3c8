/** Looks at something again and again while something else goes on. */
import { setTimeout as sleep } from 'node:timers/promises';

const intervalMs = 200;

/**
 * Does some work and calls `look` about five times a second meanwhile, and once more when the work is done. An error of the work
 * is thrown in any case, one of a look when the work went well.
 */
export async function whileWatching<T>(look: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const looking = lookAgainAndAgain(look, over.signal);
  looking.catch(() => undefined);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    over.abort();
    await looking.catch(() => undefined);
    throw error;
  }
  over.abort();
  await looking;
  return result;
}

async function lookAgainAndAgain(look: () => Promise<void>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await look();
    await sleep(intervalMs, undefined, { signal: over }).catch(() => undefined);
  }
  await look();
}

/** What to wait for, and how long. */
export interface Wait {
  /** For the error: `the server to be promoted`. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Waits until `isSo` says so.
 * @throws {Error} when it has not within `timeoutMs`; the reason of the signal when that is aborted
 */
export async function until(isSo: () => Promise<boolean>, { what, timeoutMs, signal }: Wait): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`);
    await sleep(50, undefined, { signal });
  }
}
