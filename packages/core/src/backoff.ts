/** How long to wait before the next attempt: exponential, with jitter, started over by progress. Pure. */

/** Where waits begin and end, in milliseconds. */
interface Pace {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** `retry`: what may pass by itself; commits may be waiting for us. `operator`: somebody has to do something first. */
const paces: Readonly<Record<'retry' | 'operator', Pace>> = {
  retry: { firstMs: 250, longestMs: 30_000 },
  operator: { firstMs: 5000, longestMs: 60_000 },
};

/**
 * Milliseconds to wait after `failures` attempts in a row that brought nothing (1 or more).
 * @param random from 0 to 1; half of the time is fixed, the other half is drawn, so that many receivers do not knock at once
 */
export function backoffMs(failures: number, random: number, pace: 'retry' | 'operator' = 'retry'): number {
  const { firstMs, longestMs } = paces[pace];
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 16));
  return Math.round(fullMs / 2 + (fullMs / 2) * random);
}
