/** Segment numbers as runs without a gap. */
import type { SegmentNumber } from '@walvault/wal';

/** Segments in a row, both ends included. */
export interface Run {
  readonly first: SegmentNumber;
  readonly last: SegmentNumber;
}

/** Puts numbers, in any order and perhaps more than once, together to the fewest runs, in order. */
export function runsOf(segments: readonly SegmentNumber[]): readonly Run[] {
  const runs: { first: SegmentNumber; last: SegmentNumber }[] = [];
  for (const segment of BigInt64Array.from(segments).toSorted() as Iterable<bigint> as Iterable<SegmentNumber>) {
    const run = runs.at(-1);
    if (run !== undefined && segment <= run.last + 1n) run.last = segment;
    else runs.push({ first: segment, last: segment });
  }
  return runs;
}
