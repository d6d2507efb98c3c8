import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTimestamp, tryParseTimestamp } from './index.ts';

describe('a time with a zone', () => {
  test.each([
    ['2026-07-01 12:00:00.123456+02', 1_782_900_000_123_456n],
    ['2026-07-01 12:00:00.123456+02:00', 1_782_900_000_123_456n],
    ['2026-07-01T10:00:00.123456Z', 1_782_900_000_123_456n],
    ['2026-07-01 10:00:00.1 UTC', 1_782_900_000_100_000n],
    ['2026-07-01 10:00Z', 1_782_900_000_000_000n],
    ['2026-07-01 04:30:00-0530', 1_782_900_000_000_000n],
    ['1969-12-31 23:59:59.5+00', -500_000n],
  ])('%s', (text, time) => expect(tryParseTimestamp(text)).toEqual({ time, hasZone: true }));
});

test('a time without a zone is one of this process, and is told apart', () => {
  const local = new Date(2026, 6, 1, 12, 0, 0).getTime();
  expect(tryParseTimestamp('2026-07-01 12:00:00')).toEqual({ time: BigInt(local) * 1000n, hasZone: false });
  expect(tryParseTimestamp('2026-07-01')?.time).toBe(BigInt(new Date(2026, 6, 1).getTime()) * 1000n);
});

test.each([
  '',
  'yesterday',
  '2026-06-31',
  '2026-13-01',
  '2026-07-01 24:00:00Z',
  '2026-07-01 12:00:00+16',
  '2026-07-01 12:00:00 x',
  '12:00',
])('refuses "%s"', (text) => expect(tryParseTimestamp(text)).toBeUndefined());

test('writes what it reads back, to the microsecond', () => {
  expect(formatTimestamp(1_782_900_000_120_000n)).toBe('2026-07-01 10:00:00.12+00');
  expect(formatTimestamp(-500_000n)).toBe('1969-12-31 23:59:59.5+00');
  fc.assert(
    fc.property(fc.bigInt({ min: -30_000_000_000_000_000n, max: 253_000_000_000_000_000n }), (time) => {
      expect(tryParseTimestamp(formatTimestamp(time))).toEqual({ time, hasZone: true });
    }),
  );
});
