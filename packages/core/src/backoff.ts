/** How long to wait before the next attempt: exponential, with jitter, started over by progress. Pure. */

const firstMs = 250;
const longestMs = 30_000;

/**
 * Milliseconds to wait after `failures` attempts in a row that brought nothing (1 or more).
 * @param random from 0 to 1; half of the time is fixed, the other half is drawn, so that many receivers do not knock at once
 */
export function backoffMs(failures: number, random: number): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 16));
  return Math.round(fullMs / 2 + (fullMs / 2) * random);
}
