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
/** At the limit nothing more can be missed. */
const atLimitMs = 8000;
/** Before the limit is reached at the pace of now, there are so many looks. */
const looksToGo = 4;
/** A server that was quiet may write as much as this from one moment to the next, in bytes a millisecond: 16 MiB a second. */
const suddenPace = (16 * 1024 * 1024) / 1000;

/** Milliseconds to wait after `last`, by how much more is kept than at the look before. */
export function nextLookMs(last: SlotLook, before: SlotLook | undefined): number {
  const { safeBytes, retainedBytes = 0, atMs } = last;
  if (safeBytes === undefined) return longestMs;
  if (safeBytes <= 0) return atLimitMs;
  const pace = before === undefined ? 0 : (retainedBytes - (before.retainedBytes ?? 0)) / Math.max(1, atMs - before.atMs);
  const untilLimitMs = pace > 0 ? safeBytes / pace / looksToGo : longestMs;
  return Math.min(longestMs, Math.max(shortestMs, Math.min(untilLimitMs, safeBytes / suddenPace)));
}
