import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { counted, formatBytes, formatRate } from './bytes.ts';
import { formatMilliseconds, formatSeconds } from './duration.ts';
import { lsnFromNumber, lsnToNumber } from './lsn.ts';
import { formatTime, fromInput, toInput, zoneName } from './time.ts';

test('sizes have three figures at most, and units of 1024', () => {
  const sizes = [0, 1, 999, 1000, 1024, 1536, 16 * 1024 ** 2, 123_456_789, 1023 * 1024 ** 3, 5 * 1024 ** 5];
  expect(sizes.map(formatBytes)).toEqual([
    '0 B',
    '1 B',
    '999 B',
    '0.98 KiB',
    '1 KiB',
    '1.50 KiB',
    '16 MiB',
    '118 MiB',
    '1.00 TiB',
    '5 PiB',
  ]);
  expect(formatRate(2048)).toBe('2 KiB/s');
  expect([counted(1, 'hole'), counted(1234, 'segment')]).toEqual(['1 hole', '1,234 segments']);
});

test('periods have two units at most, and what is left over is no sixtieth', () => {
  const periods = [0, 0.4, 12.2, 59.6, 60, 200, 3599.9, 7500, 86_399, 273_600];
  const texts = ['0 s', '0.4 s', '12 s', '1 min', '1 min', '3 min 20 s', '1 h', '2 h 5 min', '1 d', '3 d 4 h'];
  expect(periods.map(formatSeconds)).toEqual(texts);
  expect([0, 0.042, 12, 1300].map(formatMilliseconds)).toEqual(['0 ms', '0.042 ms', '12 ms', '1.3 s']);
});

test('a place in the WAL is the same after the way there and back', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xf_ffff }), fc.nat({ max: 0xffff_ffff }), (high, low) => {
      const lsn = `${high.toString(16)}/${low.toString(16)}`.toUpperCase();
      expect(lsnFromNumber(lsnToNumber(lsn))).toBe(lsn);
    }),
  );
});

test('moments are shown in the zone that was chosen, and come back from an input as they were', () => {
  const moment = '2026-07-01T10:00:00.000Z';
  expect(formatTime(moment, 'utc')).toBe('2026-07-01 10:00:00');
  expect(zoneName(moment, 'utc')).toBe('UTC');
  for (const zone of ['utc', 'local'] as const) expect(fromInput(toInput(moment, zone), zone)).toBe(moment);
  expect(fromInput('', 'utc')).toBeUndefined();
});
