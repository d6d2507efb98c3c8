import { expect, test } from 'vitest';
import { BenchFailure } from '../failure.ts';
import { summarizeLog } from './load.ts';

test('summarizeLog counts what ended behind the warm-up', () => {
  const log = ['0 1 9000 0 100 0', '1 1 2500 0 101 500000', '0 2 1000 0 103 0', '1 2 700 0 101 0', ''].join('\n');
  expect(summarizeLog(log, 1)).toEqual({ tps: 1, latenciesMs: [1, 2.5] });
});

test('summarizeLog refuses a log of nothing', () => {
  expect(() => summarizeLog('', 1)).toThrow(BenchFailure);
  expect(() => summarizeLog('0 1 9000 0 100 0\n', 1)).toThrow('no transaction was committed');
});
