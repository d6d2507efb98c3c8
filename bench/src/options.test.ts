import { describe, expect, test } from 'vitest';
import { BenchFailure } from './failure.ts';
import {
  choiceOption,
  choicesOption,
  describeOptions,
  directoryOption,
  numberOption,
  parseOptions,
  wholeNumberOption,
  wholeNumbersOption,
} from './options.ts';

const table = {
  gigabytes: numberOption({ help: 'volume', fallback: 2, least: 0.001, most: 1000 }),
  pairs: wholeNumberOption({ help: 'how often\nin all', fallback: 3, least: 1, most: 100 }),
  clients: wholeNumbersOption({ help: 'how many', fallback: '1,8', least: 1, most: 50 }),
  major: choiceOption({ help: 'server', fallback: '15', choices: [15, 16] }),
  flush: choicesOption({ help: 'when', fallback: 'segment,continuous', choices: ['segment', 'continuous'] }),
  directory: directoryOption({ help: 'where to' }),
};

describe('parseOptions', () => {
  test('gives what stands for an option that is not given', () => {
    expect(parseOptions(table, [])).toEqual({
      gigabytes: 2,
      pairs: 3,
      clients: [1, 8],
      major: 15,
      flush: ['segment', 'continuous'],
      directory: '',
    });
  });

  test('takes what is given', () => {
    const args = [
      '--gigabytes',
      '0.5',
      '--pairs=7',
      '--clients',
      '1, 4',
      '--major',
      '16',
      '--flush',
      'continuous',
      '--directory',
      '/x',
    ];
    expect(parseOptions(table, args)).toEqual({
      gigabytes: 0.5,
      pairs: 7,
      clients: [1, 4],
      major: 16,
      flush: ['continuous'],
      directory: '/x',
    });
  });

  test.each([
    [['--gigabytes', '0'], '--gigabytes is "0", should be a number from 0.001 to 1000'],
    [['--gigabytes', ''], '--gigabytes is "", should be a number from 0.001 to 1000'],
    [['--pairs', '1.5'], '--pairs is "1.5", should be a whole number from 1 to 100'],
    [['--pairs', 'many'], '--pairs is "many", should be a whole number from 1 to 100'],
    [['--clients', '1,51'], '--clients is "1,51", should be whole numbers from 1 to 50 with commas between'],
    [['--clients', '1,'], '--clients is "1,", should be whole numbers'],
    [['--major', '14'], '--major is "14", should be one of 15, 16'],
    [['--flush', 'never'], '--flush is "never", should be one or more of segment, continuous with commas between'],
    [['--directory', 'x'], '--directory is "x", should be an absolute path'],
    [['--fast'], "Unknown option '--fast'"],
    [['twice'], 'twice'],
  ])('refuses %j and says why', (args, message) => {
    expect(() => parseOptions(table, args)).toThrow(BenchFailure);
    expect(() => parseOptions(table, args)).toThrow(message);
  });
});

test('describeOptions shows each option with what counts unless it is given', () => {
  expect(describeOptions(table).split('\n')).toEqual([
    '  --gigabytes N    volume (2)',
    '  --pairs N        how often',
    '                   in all (3)',
    '  --clients N,...  how many (1,8)',
    '  --major X        server (15)',
    '  --flush X,...    when (segment,continuous)',
    '  --directory DIR  where to',
  ]);
});
