import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration, statusTiming } from './status-timing.ts';

describe('reading a time as SHOW prints it', () => {
  test.each([
    ['1min', 60_000],
    ['500ms', 500],
    ['0', 0],
    ['90s', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['250us', 0.25],
    ['1500', 1500],
    [' 5 s ', 5000],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBeCloseTo(ms));

  test.each(['', 'min', '-1', '1.5s', '1 week', 'off', '1min 30s'])('"%s" is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('the times of a stream', () => {
  test.each([
    // configured, wal_sender_timeout, and the three times: status, ask, give up
    [10_000, '1min', [10_000, 30_000, 60_000]],
    [30_000, '1min', [20_000, 30_000, 60_000]],
    [1000, '1min', [1000, 30_000, 60_000]],
    [10_000, '1s', [333, 500, 1000]],
    [10_000, '0', [10_000, 30_000, 60_000]],
    [10_000, 'what is this', [10_000, 30_000, 60_000]],
    [10_000, '5min', [10_000, 150_000, 300_000]],
    [0, '1min', [50, 30_000, 60_000]],
  ])('%d ms with wal_sender_timeout = %s', (configured, timeout, times) => {
    expect(Object.values(statusTiming(configured, timeout))).toEqual(times);
  });

  test('the server hears from us three times before it would give up, and is asked before we do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 150, max: 2 ** 31 - 1 }), (configured, timeoutMs) => {
        const { statusIntervalMs, askAfterMs, giveUpAfterMs } = statusTiming(configured, `${timeoutMs}ms`);
        expect(statusIntervalMs * 3).toBeLessThanOrEqual(timeoutMs);
        expect(statusIntervalMs).toBeLessThanOrEqual(Math.max(50, configured));
        expect(askAfterMs).toBeLessThan(giveUpAfterMs);
        expect(statusIntervalMs).toBeLessThan(2 ** 31); // or the timer would fire all the time
      }),
    );
  });
});
