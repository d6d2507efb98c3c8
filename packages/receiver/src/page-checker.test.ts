import { addToLsn, type Lsn, toLsn, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageChecker, type PageFacts } from './page-checker.ts';

const mebibyte = 1024 * 1024;
const facts: PageFacts = {
  systemIdentifier: 7_711_030_578_120_921_605n,
  walSegmentSize: toWalSegmentSize(mebibyte),
  walPageSize: 8192,
  timelineId: toTimelineId(3),
};

interface Oddity {
  readonly magic?: number;
  readonly timelineId?: number;
  readonly pageLsn?: bigint;
  readonly systemIdentifier?: bigint;
  readonly segmentSize?: number;
  readonly pageSize?: number;
  readonly isLong?: boolean;
}

/** Pages with right headers from `start` on; the page at `oddAt` deviates. */
function wal(start: Lsn, length: number, oddAt?: bigint, odd: Oddity = {}): Buffer {
  const bytes = Buffer.alloc(length, 0x5a);
  for (let lsn: bigint = start - (start % 8192n); lsn < start + BigInt(length); lsn += 8192n) {
    if (lsn >= start) header(lsn, lsn === oddAt ? odd : {}).copy(bytes, Number(lsn - start));
  }
  return bytes;
}

function header(lsn: bigint, odd: Oddity): Buffer {
  const isLong = odd.isLong ?? lsn % BigInt(mebibyte) === 0n;
  const bytes = Buffer.alloc(isLong ? 40 : 24);
  bytes.writeUInt16LE(odd.magic ?? 0xd118, 0);
  bytes.writeUInt16LE(isLong ? 0x0002 : 0, 2);
  bytes.writeUInt32LE(odd.timelineId ?? 3, 4);
  bytes.writeBigUInt64LE(odd.pageLsn ?? lsn, 8);
  if (!isLong) return bytes;
  bytes.writeBigUInt64LE(odd.systemIdentifier ?? facts.systemIdentifier, 24);
  bytes.writeUInt32LE(odd.segmentSize ?? mebibyte, 32);
  bytes.writeUInt32LE(odd.pageSize ?? 8192, 36);
  return bytes;
}

const start = toLsn(5 * mebibyte);

test('accepts right pages however they are cut into pieces', () => {
  const whole = wal(start, 6 * 8192);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 60 }), (sizes) => {
      const checker = new PageChecker(facts);
      let at = 0;
      for (const size of [...sizes, whole.length]) {
        const piece = whole.subarray(at, at + size);
        expect(checker.check(addToLsn(start, at), piece)).toBeUndefined();
        at += piece.length;
      }
    }),
  );
});

test('accepts a start in the middle of a page, pages of an earlier timeline, and the zeros behind a switch', () => {
  const middle = addToLsn(start, 8192 + 1000);
  expect(new PageChecker(facts).check(middle, wal(middle, 20_000))).toBeUndefined();
  expect(new PageChecker(facts).check(start, wal(start, 8192, start, { timelineId: 2 }))).toBeUndefined();
  expect(new PageChecker(facts).check(addToLsn(start, 8192), Buffer.alloc(5 * 8192))).toBeUndefined();
});

const second = addToLsn(start, 8192);
test.each<[string, Lsn, Oddity, RegExp]>([
  ['a page that is not WAL', second, { magic: 0x1234 }, /magic number 1234/],
  ['a recycled page', second, { pageLsn: 0x1002000n }, /says that it is the page at 0\/1002000/],
  ['a later timeline', second, { timelineId: 4 }, /timeline 4, not 3/],
  ['timeline 0', second, { timelineId: 0 }, /timeline 0, not 3/],
  ['a long header inside a segment', second, { isLong: true }, /has a long header/],
  ['no long header at the start of a segment', start, { isLong: false }, /has no long header/],
  ['another cluster', start, { systemIdentifier: 1n }, /cluster 1, not/],
  ['another segment size', start, { segmentSize: 16 * mebibyte }, /segment of 16777216 bytes/],
  ['another page size', start, { pageSize: 16_384 }, /16384 bytes, not 8192/],
])('turns down %s, in one piece and byte by byte', (_, at, odd, words) => {
  const bytes = wal(start, 3 * 8192, at, odd);
  const inOne = new PageChecker(facts).check(start, bytes);
  expect(inOne).toMatchObject({ code: 'ERR_WAL_PAGE', lsn: at, retry: 'fatal' });
  expect(inOne?.message).toMatch(words);
  const byBytes = new PageChecker(facts);
  const problems = [...bytes].map((byte, index) => byByte(byBytes, addToLsn(start, index), byte));
  expect(problems.find((problem) => problem !== undefined)).toMatch(words);
});

function byByte(checker: PageChecker, lsn: Lsn, byte: number): string | undefined {
  return checker.check(lsn, Buffer.of(byte))?.message;
}
