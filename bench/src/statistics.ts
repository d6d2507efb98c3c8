/** The little arithmetic that a report of few, noisy runs needs. Pure. */

/** The middle of several measurements and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * The median; the mean of the two in the middle when their number is even.
 * @throws {RangeError} when there is none
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  if (lower === undefined || upper === undefined) throw new RangeError('the median of nothing');
  return (lower + upper) / 2;
}

/** Median, least and greatest. @throws {RangeError} when there is no value */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * How many times as much each value of the first list is than the one beside it in the second. Runs are compared pair by pair,
 * because a machine that slows down for a minute slows down both of a pair.
 * @throws {RangeError} when the lists differ in length, or a value of the second is not above zero
 */
export function ratios(values: readonly number[], references: readonly number[]): readonly number[] {
  if (values.length !== references.length) throw new RangeError(`${values.length} values beside ${references.length}`);
  return values.map((value, index) => {
    const reference = references[index] ?? 0;
    if (!(reference > 0)) throw new RangeError(`cannot compare with ${reference}`);
    return value / reference;
  });
}

/**
 * The smallest value that at least this share of the values does not exceed (nearest rank).
 * @param sorted ascending
 * @param share more than 0, up to 1 for the greatest
 * @throws {RangeError} when there is no value
 */
export function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('a percentile of nothing');
  return value;
}

/** How much y grows with each x: the slope of the straight line with the least squares; 0 where all x are the same. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const [meanX, meanY] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const spreadOfX = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return spreadOfX === 0 ? 0 : points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spreadOfX;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
