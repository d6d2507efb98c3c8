import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c, crc32cInJavaScript } from './crc32c.ts';

/** CRC-32C bit by bit, straight from its definition (RFC 3720, B.4): slow, and shares nothing with the code under test. */
function crc32cByDefinition(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

const increasing = Uint8Array.from({ length: 32 }, (_, index) => index);

describe.each([
  ['crc32c', crc32c],
  ['crc32cInJavaScript', crc32cInJavaScript],
] as const)('%s', (_, crc) => {
  test.each([
    ['nothing', new Uint8Array(), 0],
    ['the digits 1 to 9', Buffer.from('123456789'), 0xe306_9283],
    ['32 zeros (RFC 3720)', new Uint8Array(32), 0x8a91_36aa],
    ['32 ones (RFC 3720)', new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    ['32 bytes rising (RFC 3720)', increasing, 0x46dd_794e],
    ['32 bytes falling (RFC 3720)', increasing.toReversed(), 0x113f_db5c],
  ])('of %s is what the standard says', (_, bytes, expected) => {
    expect(crc(bytes, 0, bytes.length)).toBe(expected);
  });
});

describe('any bytes', () => {
  // Lengths on both sides of the point where the native code takes over.
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 1600, size: 'max' });

  test('have the CRC of the definition, by either way and at any offset', () => {
    fc.assert(
      fc.property(bytes, fc.nat(1600), fc.nat(1600), (all, a, b) => {
        const [start, end] = [Math.min(a, b, all.length), Math.min(Math.max(a, b), all.length)];
        const expected = crc32cByDefinition(all.subarray(start, end));
        expect(crc32c(all, start, end)).toBe(expected);
        expect(crc32cInJavaScript(all, start, end)).toBe(expected);
      }),
    );
  });

  test('can be done in two goes', () => {
    fc.assert(
      fc.property(bytes, fc.nat(600), (all, cut) => {
        const middle = Math.min(cut, all.length);
        const whole = crc32cByDefinition(all);
        expect(crc32c(all, middle, all.length, crc32c(all, 0, middle))).toBe(whole);
        expect(crc32cInJavaScript(all, middle, all.length, crc32cInJavaScript(all, 0, middle))).toBe(whole);
      }),
    );
  });

  test('are read where the view starts, not where its memory does', () => {
    fc.assert(
      fc.property(bytes, fc.nat(64), (all, offset) => {
        const memory = Buffer.concat([Buffer.alloc(offset, 0x5a), all, Buffer.alloc(9, 0xa5)]);
        const view = new Uint8Array(memory.buffer, memory.byteOffset + offset, all.length);
        expect(crc32c(view)).toBe(crc32cByDefinition(all));
      }),
    );
  });
});

test('a flipped bit changes the CRC', () => {
  const nonEmpty = fc.uint8Array({ minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(nonEmpty, fc.nat(), (all, where) => {
      const flipped = Uint8Array.from(all);
      const bit = where % (all.length * 8);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(crc32c(flipped)).not.toBe(crc32c(all));
    }),
  );
});
