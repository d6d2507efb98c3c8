import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  defaultWalPageSize,
  isPlausiblePageMagic,
  longPageHeaderSize,
  majorOfPageMagic,
  pageFlags,
  pageMagicOfMajor,
  readPageHeader,
  shortPageHeaderSize,
} from './page-header.ts';

/**
 * The first bytes of segments that initdb of each major wrote with --wal-segsize=1 (long, a record goes on from the
 * segment before), and of the second page behind them (short).
 */
const realPages = [
  { major: 13, segment: 6, long: '06d10700010000000000600000000000130000000000000014c7a017f128036b0000100000200000', rest: 0x13 },
  { major: 14, segment: 7, long: '0dd10700010000000000700000000000050000000000000053472076f228036b0000100000200000', rest: 0x05 },
  {
    major: 15,
    segment: 5,
    long: '10d10700010000000000500000000000d703000000000000929748f2f328036b0000100000200000',
    rest: 0x3d7,
  },
  { major: 16, segment: 5, long: '13d107000100000000005000000000003000000000000000d1d79d9ef528036b0000100000200000', rest: 0x30 },
  { major: 17, segment: 5, long: '16d1070001000000000050000000000038000000000000001038d536f728036b0000100000200000', rest: 0x38 },
  {
    major: 18,
    segment: 8,
    long: '18d10700010000000000800000000000e90700000000000074a87bb3f828036b0000100000200000',
    rest: 0x7e9,
  },
] as const;

/** A header written by hand, field by field. */
function page(fields: { magic?: number; info?: number; timelineId?: number; pageLsn?: bigint; remaining?: number }): Buffer {
  const bytes = Buffer.alloc(longPageHeaderSize);
  bytes.writeUInt16LE(fields.magic ?? 0xd116, 0);
  bytes.writeUInt16LE(fields.info ?? 0, 2);
  bytes.writeUInt32LE(fields.timelineId ?? 1, 4);
  bytes.writeBigUInt64LE(fields.pageLsn ?? 0x100_0000n, 8);
  bytes.writeUInt32LE(fields.remaining ?? 0, 16);
  bytes.writeBigUInt64LE(0x6b03_28f0_6c9f_f6f5n, 24);
  bytes.writeUInt32LE(16 * 1024 * 1024, 32);
  bytes.writeUInt32LE(defaultWalPageSize, 36);
  return bytes;
}

/** The flags that a page of this magic and xlp_info has. */
function flagsOf(magic: number, info: number) {
  return pageFlags(readPageHeader(page({ magic, info })));
}

describe('readPageHeader', () => {
  test.each(realPages)('reads the first page of a segment of PostgreSQL $major', ({ major, segment, long, rest }) => {
    const bytes = Buffer.from(long, 'hex');
    const header = readPageHeader(bytes);
    expect(header).toEqual({
      magic: pageMagicOfMajor(major),
      info: 0x0007,
      timelineId: 1,
      pageLsn: BigInt(segment) << 20n,
      remainingLength: rest,
      long: { systemIdentifier: bytes.readBigUInt64LE(24), segmentSize: 1024 * 1024, pageSize: defaultWalPageSize },
    });
    expect(majorOfPageMagic(header.magic)).toBe(major);
    expect(pageFlags(header)).toEqual({ firstIsContinuation: true, isLong: true, firstIsOverwriteContinuation: false });
  });

  test('reads the second page of a segment, whose header is short', () => {
    const header = readPageHeader(Buffer.from('18d10500010000000020000100000000d100000000000000', 'hex'));
    expect(header).toEqual({
      magic: 0xd118,
      info: 0x0005,
      timelineId: 1,
      pageLsn: 0x100_2000n,
      remainingLength: 0xd1,
      long: undefined,
    });
  });

  test('reads a header written by hand, at any offset', () => {
    fc.assert(
      fc.property(
        fc.record({
          magic: fc.integer({ min: 0, max: 0xffff }),
          info: fc.integer({ min: 0, max: 0xffff }),
          timelineId: fc.integer({ min: 0, max: 0xffff_ffff }),
          pageLsn: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
          remaining: fc.integer({ min: 0, max: 0xffff_ffff }),
        }),
        fc.integer({ min: 0, max: 100 }),
        ({ remaining, ...fields }, offset) => {
          const bytes = Buffer.concat([Buffer.alloc(offset, 0xa5), page({ ...fields, remaining })]);
          const header = readPageHeader(bytes, offset);
          expect(header).toMatchObject({ ...fields, remainingLength: remaining });
          expect(header.long !== undefined).toBe((fields.info & 0x0002) !== 0);
        },
      ),
    );
  });

  test('keeps nothing of the buffer it read from', () => {
    const bytes = page({ info: 0x0002, pageLsn: 0x200_0000n });
    const header = readPageHeader(bytes);
    const before = structuredClone(header);
    bytes.fill(0xff);
    expect(header).toEqual(before);
  });

  test.each([
    { what: 'no bytes', info: 0, length: 0, offset: 0, problem: 'takes 24 bytes, only 0 are there' },
    { what: 'a short header cut off', info: 0, length: 23, offset: 0, problem: 'takes 24 bytes, only 23 are there' },
    { what: 'a long header cut off', info: 2, length: 39, offset: 0, problem: 'takes 40 bytes, only 39 are there' },
    { what: 'an offset behind the end', info: 0, length: 40, offset: 50, problem: 'takes 24 bytes, only 0 are there' },
  ])('refuses $what', ({ info, length, offset, problem }) => {
    const bytes = page({ info }).subarray(0, length);
    expect(() => readPageHeader(bytes, offset)).toThrow(problem);
    expect(() => readPageHeader(bytes, offset)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_PAGE_HEADER' }));
  });

  test('takes exactly the bytes of the header', () => {
    expect(readPageHeader(page({}).subarray(0, shortPageHeaderSize)).long).toBeUndefined();
    expect(readPageHeader(page({ info: 2 })).long?.segmentSize).toBe(16 * 1024 * 1024);
  });
});

describe('page magic', () => {
  test.each([
    [0xd093, 9.6],
    [0xd097, 10],
    [0xd098, 11],
    [0xd101, 12],
    [0xd106, 13],
    [0xd10d, 14],
    [0xd110, 15],
    [0xd113, 16],
    [0xd116, 17],
    [0xd118, 18],
    [0xd120, 19],
    [0xd121, 20],
  ])('%i is that of PostgreSQL %d, and the other way round', (magic, major) => {
    expect(majorOfPageMagic(magic)).toBe(major);
    expect(pageMagicOfMajor(major)).toBe(magic);
    expect(isPlausiblePageMagic(magic)).toBe(true);
  });

  test('of no known version is undefined, but plausible when it is near', () => {
    expect(majorOfPageMagic(0xd17f)).toBeUndefined();
    expect(pageMagicOfMajor(8)).toBeUndefined();
    expect(isPlausiblePageMagic(0xd17f)).toBe(true);
    for (const magic of [0, 0x1f8b, 0xffff, 0xd200, 0xd000]) expect(isPlausiblePageMagic(magic)).toBe(false);
  });
});

describe('pageFlags', () => {
  test.each([0xd093, 0xd106, 0xd118])(
    'up to PostgreSQL 18 (magic %i) 0x4 is no flag of ours and 0x8 is the overwrite flag',
    (magic) => {
      expect(flagsOf(magic, 0x0004).firstIsOverwriteContinuation).toBe(false);
      expect(flagsOf(magic, 0x0008).firstIsOverwriteContinuation).toBe(true);
    },
  );

  test.each([0xd11c, 0xd120, 0xd121])('from PostgreSQL 19 on (magic %i) 0x4 is the overwrite flag', (magic) => {
    expect(flagsOf(magic, 0x0004).firstIsOverwriteContinuation).toBe(true);
    expect(flagsOf(magic, 0x0008).firstIsOverwriteContinuation).toBe(false);
  });

  test('the other two mean the same in all versions', () => {
    for (const magic of [0xd093, 0xd118, 0xd120]) {
      expect(flagsOf(magic, 0x0001)).toEqual({ firstIsContinuation: true, isLong: false, firstIsOverwriteContinuation: false });
      expect(flagsOf(magic, 0x0002)).toEqual({ firstIsContinuation: false, isLong: true, firstIsOverwriteContinuation: false });
    }
  });
});
