/** What walvault aims at, beside what was measured. A target that is missed is said so and is no failure of the bench. */

/** A figure and its bound. */
export interface Target {
  /** What is bounded, with its unit. */
  readonly what: string;
  readonly bound: { readonly atMost: number } | { readonly atLeast: number };
  /** What was measured; undefined where nothing could be. */
  readonly value: number | undefined;
  /** How it was taken from several: `median`, `greatest`. */
  readonly taken: string;
  readonly digits: number;
}

/** `target wall ratio <= 0.77: met (median 0.71)` */
export function formatTarget({ what, bound, value, taken, digits }: Target): string {
  const [sign, limit] = 'atMost' in bound ? ['<=', bound.atMost] : ['>=', bound.atLeast];
  const head = `target ${what} ${sign} ${limit.toFixed(digits)}`;
  if (value === undefined) return `${head}: not measured`;
  const isMet = 'atMost' in bound ? value <= limit : value >= limit;
  return `${head}: ${isMet ? 'met' : 'MISSED'} (${taken} ${value.toFixed(digits)})`;
}
