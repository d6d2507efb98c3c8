import { expect, test } from 'vitest';
import { FlushHistogram } from './flush-histogram.ts';

test('before the first flush there is nothing, in every bucket', () => {
  const { count, sumMs, maxMs, buckets } = new FlushHistogram().latency();
  expect({ count, sumMs, maxMs }).toEqual({ count: 0, sumMs: 0, maxMs: 0 });
  expect(buckets.every((bucket) => bucket.count === 0)).toBe(true);
});

test('counts flushes by what they took at most, the shorter ones included', () => {
  const histogram = new FlushHistogram();
  for (const ms of [0.05, 0.1, 0.2, 3, 3, 4000, 20_000]) histogram.record(ms);
  const { count, sumMs, p50Ms, maxMs, buckets } = histogram.latency();
  expect({ count, sumMs, p50Ms, maxMs }).toEqual({
    count: 7,
    sumMs: 24_006.35,
    p50Ms: expect.closeTo(3, 1),
    maxMs: expect.closeTo(20_000, -2),
  });
  const byBound = Object.fromEntries(buckets.map((bucket) => [bucket.upToMs, bucket.count]));
  expect(byBound).toMatchObject({ 0.1: 2, 0.25: 3, 1: 3, 2.5: 3, 5: 5, 2500: 5, 5000: 6, 10_000: 6 });
  const bounds = buckets.map((bucket) => bucket.upToMs);
  expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
});
