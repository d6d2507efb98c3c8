/** Looks at something again and again while something else goes on. */
import { setTimeout as sleep } from 'node:timers/promises';

const intervalMs = 200;

/**
 * Calls `look` about five times a second until it is disposed, then once more, so that the last look sees the end.
 * Disposing it throws what a look threw.
 */
export function watch(look: () => Promise<void>): AsyncDisposable {
  const over = new AbortController();
  const looking = lookAgainAndAgain(look, over.signal);
  // Whoever disposes of it hears of a failure; until then it must not end the process.
  looking.catch(() => undefined);
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await looking;
    },
  };
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
