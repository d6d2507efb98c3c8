import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('waits a quarter second at first, twice as long each time, half a minute at most', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1000, Number.MAX_SAFE_INTEGER].map((failures) => backoffMs(failures, 1));
  expect(longest).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

test('half of the time is drawn, so that many receivers do not knock at once', () => {
  for (const failures of [1, 5, 50]) {
    const full = backoffMs(failures, 1);
    expect(backoffMs(failures, 0)).toBe(full / 2);
    expect(backoffMs(failures, 0.5)).toBe(Math.round(full * 0.75));
  }
});

test('where somebody has to do something first, it asks once in a minute', () => {
  const longest = [1, 2, 3, 4, 5, 1000].map((failures) => backoffMs(failures, 1, 'operator'));
  expect(longest).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});
