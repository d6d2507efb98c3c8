/** When to look at a slot again: so soon that nothing is reached unseen at the pace of now, and no sooner. Pure. */

/** A look at a slot. */
export interface SlotLook {
  /** On a clock that only goes forward, in milliseconds. */
  readonly atMs: number;
  readonly retainedBytes: number | undefined;
  /** Bytes until the nearer limit; undefined without one. */
  readonly safeBytes: number | undefined;
}

const longestMs = 60_000;
const shortestMs = 2000;
/** Before the limit is reached at the pace of now, there are so many looks. */
const looksToGo = 4;

/** Milliseconds to wait after `last`, by how much more is kept than at the look before. */
export function nextLookMs(last: SlotLook, before: SlotLook | undefined): number {
  if (last.safeBytes === undefined) return longestMs;
  const growth = (last.retainedBytes ?? 0) - (before?.retainedBytes ?? 0);
  // At the first look nobody knows the pace.
  const elapsedMs = before === undefined ? longestMs : Math.max(1, last.atMs - before.atMs);
  if (growth <= 0) return longestMs;
  const untilLimitMs = (last.safeBytes / growth) * elapsedMs;
  return Math.min(longestMs, Math.max(shortestMs, untilLimitMs / looksToGo));
}
