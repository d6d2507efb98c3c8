import { expect, test } from 'vitest';
import { nextLookMs } from './next-look.ts';

const MB = 1024 ** 2;

test.each([
  ['without a limit', { retainedBytes: 5 * MB, safeBytes: undefined }, { retainedBytes: 0, safeBytes: undefined }, 60_000],
  ['when less is kept', { retainedBytes: 5 * MB, safeBytes: 4000 * MB }, { retainedBytes: 9 * MB, safeBytes: MB }, 60_000],
  ['when the limit is far', { retainedBytes: 2 * MB, safeBytes: 4000 * MB }, { retainedBytes: MB, safeBytes: undefined }, 60_000],
  // 100 MB in 10 s, 1600 MB to go: 160 s, a quarter of them
  ['at a pace', { retainedBytes: 200 * MB, safeBytes: 1600 * MB }, { retainedBytes: 100 * MB, safeBytes: 1700 * MB }, 40_000],
  // 80 MB can be written within 5 s
  ['when little is left', { retainedBytes: 20 * MB, safeBytes: 80 * MB }, { retainedBytes: 20 * MB, safeBytes: 80 * MB }, 5000],
  ['right before the limit', { retainedBytes: 99 * MB, safeBytes: MB }, { retainedBytes: 10 * MB, safeBytes: 90 * MB }, 2000],
  ['at the limit', { retainedBytes: 101 * MB, safeBytes: 0 }, { retainedBytes: 100 * MB, safeBytes: 0 }, 8000],
  [
    'when nothing is kept',
    { retainedBytes: undefined, safeBytes: 160 * MB },
    { retainedBytes: undefined, safeBytes: MB },
    10_000,
  ],
])('%s', (_, last, before, waitMs) => {
  expect(nextLookMs({ atMs: 20_000, ...last }, { atMs: 10_000, ...before })).toBeCloseTo(waitMs);
});

test('the first look knows no pace', () => {
  expect(nextLookMs({ atMs: 0, retainedBytes: 40 * MB, safeBytes: 320 * MB }, undefined)).toBeCloseTo(20_000);
});
