/** Segments in a row on one timeline, and their names. */
import {
  parseWalFileName,
  type SegmentNumber,
  segmentNumberOfName,
  type TimelineId,
  walFileName,
  type WalSegmentSize,
} from '@walvault/wal';

/** Segments of a timeline, both ends included. */
export interface SegmentRange {
  readonly timelineId: TimelineId;
  readonly first: SegmentNumber;
  readonly last: SegmentNumber;
}

/** Names of complete segments, in any order, as the fewest ranges. */
export function rangesOf(names: Iterable<string>, walSegmentSize: WalSegmentSize): readonly SegmentRange[] {
  const ranges: SegmentRange[] = [];
  for (const name of [...names].toSorted()) {
    const file = parseWalFileName(name);
    if (file.kind === 'history' || file.kind === 'backup') throw new TypeError(`"${name}" is no segment`);
    const { timelineId } = file;
    const number = segmentNumberOfName(file, walSegmentSize);
    const open = ranges.at(-1);
    if (open?.timelineId === timelineId && number === open.last + 1n) ranges[ranges.length - 1] = { ...open, last: number };
    else ranges.push({ timelineId, first: number, last: number });
  }
  return ranges;
}

/** The names of the segments of a range, in order. */
export function namesOf({ timelineId, first, last }: SegmentRange, walSegmentSize: WalSegmentSize): readonly string[] {
  return Array.from({ length: Math.max(0, Number(last - first) + 1) }, (_, index) =>
    walFileName(timelineId, (first + BigInt(index)) as SegmentNumber, walSegmentSize),
  );
}

/** A range in parts of at most so many segments. */
export function* partsOf(range: SegmentRange, count: number): Generator<SegmentRange, void, undefined> {
  for (let first: bigint = range.first; first <= range.last; first += BigInt(count)) {
    const end = first + BigInt(count) - 1n;
    yield { ...range, first: first as SegmentNumber, last: end < range.last ? (end as SegmentNumber) : range.last };
  }
}
