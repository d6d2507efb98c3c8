/** Times of the WAL, which has microseconds, as answers have them. */

/** Microseconds since 1970 as answers have times. */
export function isoOfMicros(micros: bigint | undefined): string | null {
  return micros === undefined ? null : new Date(Number(micros / 1000n)).toISOString();
}
