import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentName, walFile } from '../../testing.ts';
import { compressBlock, compressedBound, decompressBlock } from './lz4-block.ts';
import { Xxh32 } from './xxh32.ts';

/** Bytes with much and little to match: runs, repeats from near and far, noise. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.record({ byte: fc.nat(255), length: fc.nat(3000) }).map(({ byte, length }) => new Uint8Array(length).fill(byte)),
      fc
        .record({ piece: fc.uint8Array({ minLength: 1, maxLength: 40 }), times: fc.nat(60) })
        .map(({ piece, times }) => Buffer.concat(Array.from({ length: times }, () => piece))),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

test('a block comes back as it was, behind whatever stands before it', () => {
  fc.assert(
    fc.property(content, fc.nat(70_000), (block, start) => {
      const compressed = Buffer.alloc(compressedBound(block.length));
      const length = compressBlock(block, compressed);
      expect(length).toBeLessThanOrEqual(compressed.length);
      const room = Buffer.alloc(start + block.length, 0xaa);
      expect(decompressBlock(compressed.subarray(0, length), room, start)).toBe(room.length);
      expect(room.subarray(start).equals(block)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('WAL gets smaller', () => {
  const segment = walFile(segmentName(1, 5));
  expect(compressBlock(segment, Buffer.alloc(compressedBound(segment.length)))).toBeLessThan(segment.length / 3);
});

test('damaged blocks are told, or give no more than there is room for, and nothing is written elsewhere', () => {
  const block = walFile(segmentName(1, 5)).subarray(0, 60_000);
  const compressed = Buffer.alloc(compressedBound(block.length));
  const good = compressed.subarray(0, compressBlock(block, compressed));
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 500 }).map((noise) => Buffer.from(noise)),
    fc.record({ bit: fc.nat(good.length * 8 - 1), cut: fc.nat(good.length) }).map(({ bit, cut }) => {
      const changed = Buffer.from(good);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return changed.subarray(0, changed.length - (cut % 7));
    }),
  );
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 70_000 }), (damaged, roomBytes) => {
      const memory = Buffer.alloc(roomBytes + 64, 0x55);
      const end = decompressBlock(damaged, memory.subarray(0, roomBytes), 0);
      if (end !== undefined) expect(end).toBeLessThanOrEqual(roomBytes);
      expect(memory.subarray(roomBytes).every((byte) => byte === 0x55)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('xxHash of known texts, however they are cut', () => {
  const known = [
    ['', 0x02_cc_5d_05],
    ['a', 0x55_0d_74_56],
    ['abc', 0x32_d1_53_ff],
    ['Nobody inspects the spammish repetition', 0xe2_29_3b_2f],
  ] as const;
  for (const [text, digest] of known) {
    for (let length = 1; length <= 20; length++) {
      const hash = new Xxh32();
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += length) hash.update(bytes.subarray(at, at + length));
      expect(hash.digest()).toBe(digest);
    }
  }
});
