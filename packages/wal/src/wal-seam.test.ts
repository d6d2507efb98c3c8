import { describe, expect, test } from 'vitest';
import { buildWal } from '../testing/index.ts';
import { addToLsn, parseLsn } from './lsn.ts';
import { toWalSegmentSize } from './segment.ts';
import { toTimelineId } from './timeline.ts';
import { WalChecker } from './wal-checker.ts';
import { decodeWalSeam, encodeWalSeam } from './wal-seam.ts';

const mebibyte = 1024 * 1024;
const startLsn = parseLsn('0/5000000');
const options = { startLsn, walSegmentSize: toWalSegmentSize(mebibyte), timelineId: toTimelineId(1), systemIdentifier: 5n };
const { bytes } = buildWal({ ...options, items: [{ body: Buffer.alloc(5000) }, { body: Buffer.alloc(9000) }] });

function seamAtFirstPageEnd() {
  const checker = new WalChecker(options);
  expect(checker.seam).toBeUndefined();
  checker.check(bytes.subarray(0, 8000));
  expect(checker.seam).toBeUndefined();
  checker.check(bytes.subarray(8000, 8192));
  return checker.seam!;
}

describe('a seam', () => {
  test('is there between two pages, and not behind a fault', () => {
    expect(seamAtFirstPageEnd()).toMatchObject({ lsn: addToLsn(startLsn, 8192), open: 'record' });
    const faulty = new WalChecker(options);
    expect(faulty.check(Buffer.alloc(8192))).toBeDefined();
    expect(faulty.seam).toBeUndefined();
  });

  test('reads back as it was written, and one wrong bit is noticed', () => {
    const seam = seamAtFirstPageEnd();
    const encoded = encodeWalSeam(seam);
    expect(decodeWalSeam(encoded)).toEqual(seam);
    for (let at = 0; at < encoded.length; at += 1) {
      const damaged = Uint8Array.from(encoded);
      damaged[at]! ^= 0x10;
      expect(() => decodeWalSeam(damaged)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_WAL_SEAM' }));
      expect(() => decodeWalSeam(encoded.subarray(0, at))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_WAL_SEAM' }));
    }
  });

  test('is refused at another place, and for segments or pages of other sizes', () => {
    const seam = seamAtFirstPageEnd();
    const there = { ...options, seam, startLsn: seam.lsn };
    expect(new WalChecker(there).check(bytes.subarray(8192))).toBeUndefined();
    for (const wrong of [{ startLsn }, { walSegmentSize: toWalSegmentSize(2 * mebibyte) }, { walPageSize: 4096 }]) {
      expect(() => new WalChecker({ ...there, ...wrong })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_WAL_SEAM' }));
    }
  });
});
