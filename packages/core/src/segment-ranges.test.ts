import { type SegmentNumber, toWalSegmentSize } from '@walvault/wal';
import { expect, test } from 'vitest';
import { namesOf, partsOf, rangesOf } from './segment-ranges.ts';

const size = toWalSegmentSize(1024 * 1024);

test('names in any order become the fewest ranges, over the end of a log file and not over that of a timeline', () => {
  const names = [
    '000000010000000000000FFE',
    '000000010000000000000FFF',
    '000000010000000100000000',
    '000000010000000100000002',
    '000000020000000100000003',
    '000000020000000100000004',
  ];
  const ranges = rangesOf(names.toReversed(), size);
  expect(ranges).toEqual([
    { timelineId: 1, first: 4094n, last: 4096n },
    { timelineId: 1, first: 4098n, last: 4098n },
    { timelineId: 2, first: 4099n, last: 4100n },
  ]);
  expect(ranges.flatMap((range) => namesOf(range, size))).toEqual(names);
  expect(rangesOf([], size)).toEqual([]);
});

test('a range is cut into parts', () => {
  const [range] = rangesOf(['000000010000000000000001'], size);
  const long = { ...range!, last: 7n as SegmentNumber };
  const parts = [...partsOf(long, 3)].map(({ first, last }) => [first, last]);
  expect(parts).toEqual([
    [1n, 3n],
    [4n, 6n],
    [7n, 7n],
  ]);
  expect([...partsOf(range!, 3)]).toEqual([range]);
});
