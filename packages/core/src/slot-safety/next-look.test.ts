import { expect, test } from 'vitest';
import { nextLookMs } from './next-look.ts';

const MB = 1024 ** 2;

test.each([
  ['without a limit', { retainedBytes: 5 * MB, safeBytes: undefined }, { retainedBytes: 0, safeBytes: undefined }, 60_000],
  ['when less is kept', { retainedBytes: 5 * MB, safeBytes: MB }, { retainedBytes: 9 * MB, safeBytes: MB }, 60_000],
  ['when the limit is far', { retainedBytes: 2 * MB, safeBytes: 1000 * MB }, { retainedBytes: MB, safeBytes: undefined }, 60_000],
  // 10 MB in 10 s, 80 MB to go: 80 s, a quarter of them
  ['at a pace', { retainedBytes: 20 * MB, safeBytes: 80 * MB }, { retainedBytes: 10 * MB, safeBytes: 90 * MB }, 20_000],
  ['right before the limit', { retainedBytes: 99 * MB, safeBytes: MB }, { retainedBytes: 10 * MB, safeBytes: 90 * MB }, 2000],
  ['at the limit', { retainedBytes: 101 * MB, safeBytes: 0 }, { retainedBytes: 100 * MB, safeBytes: 0 }, 2000],
  ['when nothing is kept', { retainedBytes: undefined, safeBytes: MB }, { retainedBytes: undefined, safeBytes: MB }, 60_000],
])('%s', (_, last, before, waitMs) => {
  expect(nextLookMs({ atMs: 20_000, ...last }, { atMs: 10_000, ...before })).toBe(waitMs);
});

test('at the first look what is kept counts as the pace of a minute', () => {
  expect(nextLookMs({ atMs: 0, retainedBytes: 40 * MB, safeBytes: 80 * MB }, undefined)).toBe(30_000);
});
