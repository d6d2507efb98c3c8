import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toLsn } from './lsn.ts';
import {
  defaultWalSegmentSize,
  isSegmentStart,
  isWalSegmentSize,
  offsetInSegment,
  parseWalSegmentSize,
  roundDownToSegment,
  segmentEndLsn,
  segmentNumberOf,
  segmentStartLsn,
  segmentsPerLogId,
  toWalSegmentSize,
} from './segment.ts';

const mebibyte = 1024 * 1024;
const allSizes = Array.from({ length: 11 }, (_, power) => toWalSegmentSize(mebibyte * 2 ** power));

describe('sizes', () => {
  test('are the powers of two from 1 MiB to 1 GiB', () => {
    expect(allSizes).toHaveLength(11);
    expect(allSizes.at(-1)).toBe(1024 * mebibyte);
    expect(allSizes.every(isWalSegmentSize)).toBe(true);
    expect(defaultWalSegmentSize).toBe(16 * mebibyte);
  });

  test.each([0, -mebibyte, 1, mebibyte / 2, mebibyte - 1, 3 * mebibyte, 2048 * mebibyte, 2 ** 32 + mebibyte, 1.5, Number.NaN])(
    'refuses %d bytes',
    (bytes) => {
      expect(isWalSegmentSize(bytes)).toBe(false);
      expect(() => toWalSegmentSize(bytes)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_SEGMENT_SIZE', retry: 'fatal' }),
      );
    },
  );

  test('no number is one but these eleven', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 }), (bytes) => isWalSegmentSize(bytes) === allSizes.includes(bytes as never)),
    );
  });

  test.each([
    ['1MB', 1],
    ['16MB', 16],
    ['512MB', 512],
    ['1GB', 1024],
    ['1024MB', 1024],
    ['16384kB', 16],
    ['16777216B', 16],
  ])('reads SHOW wal_segment_size as %s', (text, mebibytes) => {
    expect(parseWalSegmentSize(text)).toBe(mebibytes * mebibyte);
  });

  test.each([
    '',
    '16',
    'MB',
    '16 MB',
    '16mb',
    '16MiB',
    '-16MB',
    '+16MB',
    '3MB',
    '2GB',
    '0MB',
    '1.5GB',
    '16MB\n',
    '1TB',
    'constructorMB',
  ])('refuses %j', (text) => {
    expect(() => parseWalSegmentSize(text)).toThrow(`invalid WAL segment size "${text}"`);
  });
});

describe.each(allSizes)('with segments of %d bytes', (size) => {
  const anyLsn = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn - BigInt(size) }).map(toLsn);

  test('every LSN lies in its segment', () => {
    fc.assert(
      fc.property(anyLsn, (lsn) => {
        const segment = segmentNumberOf(lsn, size);
        const start = segmentStartLsn(segment, size);
        expect(start <= lsn && lsn < segmentEndLsn(segment, size)).toBe(true);
        expect(segmentEndLsn(segment, size) - start).toBe(BigInt(size));
        expect(roundDownToSegment(lsn, size)).toBe(start);
        expect(start + BigInt(offsetInSegment(lsn, size))).toBe(lsn);
        expect(offsetInSegment(lsn, size)).toBeLessThan(size);
        expect(isSegmentStart(lsn, size)).toBe(lsn === start);
      }),
    );
  });

  test('the end of a segment is the start of the next', () => {
    fc.assert(
      fc.property(anyLsn, (lsn) => {
        const end = segmentEndLsn(segmentNumberOf(lsn, size), size);
        expect(isSegmentStart(end, size)).toBe(true);
        expect(segmentNumberOf(end, size)).toBe(segmentNumberOf(lsn, size) + 1n);
      }),
    );
  });

  test('a log id holds 4 GiB of segments', () => {
    expect(segmentsPerLogId(size) * BigInt(size)).toBe(0x1_0000_0000n);
  });
});
