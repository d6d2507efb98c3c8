import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WalFormatError } from './errors.ts';
import { addToLsn, formatLsn, formatLsnPadded, invalidLsn, type Lsn, lsnDistance, maxOfLsn, parseLsn, toLsn } from './lsn.ts';

const lastLsn = 0xffff_ffff_ffff_ffffn;
const anyLsn = fc.bigInt({ min: 0n, max: lastLsn }).map(toLsn);

/** The code of the error that `action` throws; anything but a WalFormatError fails the test. */
function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof WalFormatError) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseLsn', () => {
  test.each([
    ['0/0', 0n],
    ['0/3000148', 0x300_0148n],
    ['0/03000148', 0x300_0148n],
    ['00000000/03000148', 0x300_0148n],
    ['16/B374D848', 0x16_b374_d848n],
    ['16/b374d848', 0x16_b374_d848n],
    ['1/0', 0x1_0000_0000n],
    ['FFFFFFFF/FFFFFFFF', lastLsn],
  ])('reads %s', (text, bytes) => {
    expect(parseLsn(text)).toBe(bytes);
  });

  test.each([
    '',
    '/',
    '0',
    '0/',
    '/0',
    '0/0/0',
    '+0/1',
    '-0/1',
    '0/-1',
    '0/+1',
    ' 0/1',
    '0/1 ',
    '0 /1',
    '0/ 1',
    '0/1\n',
    '0/1\0',
    '0x0/1',
    '0/0x1',
    '0/1h',
    'G/0',
    '123456789/0',
    '0/123456789',
    '1_0/0',
    '0/1.0',
    '٠/٠',
  ])('refuses %j', (text) => {
    expect(codeOf(() => parseLsn(text))).toBe('ERR_INVALID_LSN');
  });

  test('names the text and says how an LSN is written', () => {
    expect(() => parseLsn('16-B374')).toThrow('invalid LSN "16-B374"');
    try {
      parseLsn('16-B374');
    } catch (error) {
      expect(error).toMatchObject({ name: 'WalFormatError', retry: 'fatal', hint: expect.stringContaining('16/B374D848') });
    }
  });

  test('reads back both spellings of every LSN, in either case', () => {
    fc.assert(
      fc.property(anyLsn, (lsn) => {
        for (const text of [formatLsn(lsn), formatLsnPadded(lsn)]) {
          expect(parseLsn(text)).toBe(lsn);
          expect(parseLsn(text.toLowerCase())).toBe(lsn);
        }
      }),
    );
  });

  test('accepts a text near to an LSN only where the strict pattern does', () => {
    const nearly = fc.string({
      unit: fc.constantFrom(...Array.from('0123456789abcdefABCDEF//+-x \t\n.gG_')),
      minLength: 1,
      maxLength: 19,
    });
    fc.assert(
      fc.property(nearly, (text) => {
        const halves = text.split('/');
        const isLsn = halves.length === 2 && halves.every((half) => /^[0-9a-f]+$/i.test(half) && half.length <= 8);
        if (isLsn) expect(parseLsn(text)).toBe(BigInt(`0x${halves.map((half) => half.padStart(8, '0')).join('')}`));
        else expect(codeOf(() => parseLsn(text))).toBe('ERR_INVALID_LSN');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('formatting', () => {
  test('writes as PostgreSQL up to 18 and as 19 do', () => {
    const lsn = parseLsn('A/148');
    expect(formatLsn(lsn)).toBe('A/148');
    expect(formatLsnPadded(lsn)).toBe('A/00000148');
  });

  test('sorts padded texts of one length like the LSNs', () => {
    fc.assert(
      fc.property(anyLsn, anyLsn, (a, b) => {
        const [left, right] = [formatLsnPadded(a), formatLsnPadded(b)];
        if (left.length === right.length) expect(left < right).toBe(a < b);
      }),
    );
  });
});

describe('arithmetic', () => {
  test('makes LSNs of whole numbers in range only', () => {
    expect(toLsn(0)).toBe(invalidLsn);
    expect(toLsn(Number.MAX_SAFE_INTEGER)).toBe(9007199254740991n);
    expect(toLsn(lastLsn)).toBe(lastLsn);
    for (const bytes of [-1, -1n, lastLsn + 1n, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(codeOf(() => toLsn(bytes))).toBe('ERR_INVALID_LSN');
    }
  });

  test('moves by a distance and measures it again', () => {
    fc.assert(
      fc.property(anyLsn, fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (lsn, bytes) => {
        const target = lsn + BigInt(bytes);
        if (target < 0n || target > lastLsn) expect(codeOf(() => addToLsn(lsn, bytes))).toBe('ERR_INVALID_LSN');
        else {
          expect(addToLsn(lsn, bytes)).toBe(target);
          expect(lsnDistance(lsn, addToLsn(lsn, bytes))).toBe(bytes);
        }
      }),
    );
  });

  test('gives the greater of two', () => {
    expect(maxOfLsn(1n as Lsn, 2n as Lsn)).toBe(2n);
    expect(maxOfLsn(2n as Lsn, 1n as Lsn)).toBe(2n);
    expect(maxOfLsn(2n as Lsn, 2n as Lsn)).toBe(2n);
  });
});
