import { expect, test } from 'vitest';
import type { Coverage } from '../../src/schema/coverage.ts';
import { mapOf } from './coverage-model.ts';

const size = 16 * 1024 ** 2;
const range = (from: number, count: number) => ({
  first: `segment ${from}`,
  last: `segment ${from + count - 1}`,
  count,
  fromLsn: `0/${(from * size).toString(16).toUpperCase()}`,
  toLsn: `0/${((from + count) * size).toString(16).toUpperCase()}`,
});
const at = (minute: number): string => `2026-07-01T10:0${minute}:00.000Z`;

const coverage: Coverage = {
  server: 'pg',
  sampledAt: at(9),
  ageMs: 0,
  reason: null,
  walSegmentSize: size,
  segments: 5,
  timelines: [
    {
      timelineId: 1,
      ranges: [
        { ...range(1, 2), firstCommitTime: at(0), lastCommitTime: at(2) },
        { ...range(4, 3), firstCommitTime: at(5), lastCommitTime: at(8) },
      ],
      missing: [range(3, 1)],
      partials: [],
      waiting: 0,
    },
  ],
  badSegments: [{ name: 'segment 5', timelineId: 1, lsn: '0/5000000', detail: null, checkedAt: at(9) }],
  days: null,
  unknownSegments: 0,
  catalogError: null,
  isCut: false,
};

test('by place, stretches and holes lie where their WAL is', () => {
  const map = mapOf(coverage, 'place');
  expect([map?.from, map?.to]).toEqual([size, 7 * size]);
  const ends = map?.rows[0]?.pieces.map(({ kind, from, to }) => [kind, from / size, to / size]);
  expect(ends).toEqual([
    ['present', 1, 3],
    ['present', 4, 7],
    ['missing', 3, 4],
  ]);
  expect(map?.rows[0]?.spots).toEqual([{ at: 5 * size, text: 'segment 5: damaged' }]);
});

test('by time, a hole lies between the last commit before it and the first behind it', () => {
  const map = mapOf(coverage, 'time');
  const hole = map?.rows[0]?.pieces.find(({ kind }) => kind === 'missing');
  expect([hole?.from, hole?.to]).toEqual([Date.parse(at(2)), Date.parse(at(5))]);
  expect(map?.rows[0]?.spots[0]?.at).toBe(Date.parse(at(6)));
});

test('what has no known commit is on no map of moments', () => {
  const [timeline] = coverage.timelines ?? [];
  const ranges = (timeline?.ranges ?? []).map((one) => ({ ...one, firstCommitTime: null, lastCommitTime: null }));
  const unknown = { ...coverage, timelines: timeline === undefined ? [] : [{ ...timeline, ranges }] };
  expect(mapOf(unknown, 'time')).toBeUndefined();
  expect(mapOf(unknown, 'place')?.rows[0]?.pieces).toHaveLength(3);
});
