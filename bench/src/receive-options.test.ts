import { describe, expect, test } from 'vitest';
import { BenchFailure } from './failure.ts';
import { parseReceiveOptions } from './receive-options.ts';

describe('parseReceiveOptions', () => {
  test('measures 2 GB in three pairs with either policy on PostgreSQL 15 unless told otherwise', () => {
    expect(parseReceiveOptions([])).toEqual({
      gigabytes: 2,
      pairs: 3,
      major: 15,
      flush: ['segment', 'continuous'],
      program: 'built',
    });
  });

  test('takes what is given', () => {
    const args = ['--gigabytes', '0.5', '--pairs=7', '--major', '17', '--flush', 'continuous', '--program', 'source'];
    expect(parseReceiveOptions(args)).toEqual({ gigabytes: 0.5, pairs: 7, major: 17, flush: ['continuous'], program: 'source' });
  });

  test.each([
    [['--gigabytes', '0'], '--gigabytes is "0", should be a number from 0.001 to 1000'],
    [['--gigabytes', ''], '--gigabytes is "", should be a number from 0.001 to 1000'],
    [['--pairs', '1.5'], '--pairs is "1.5", should be a whole number'],
    [['--pairs', 'many'], '--pairs is "many", should be a number from 1 to 100'],
    [['--major', '14'], '--major is "14", should be one of 15, 16, 17, 18'],
    [['--flush', 'never'], '--flush is "never", should be segment or continuous'],
    [['--program', 'x'], '--program is "x", should be built or source'],
    [['--fast'], "Unknown option '--fast'"],
    [['twice'], 'twice'],
  ])('refuses %j and says why', (args, message) => {
    expect(() => parseReceiveOptions(args)).toThrow(BenchFailure);
    expect(() => parseReceiveOptions(args)).toThrow(message);
  });
});
