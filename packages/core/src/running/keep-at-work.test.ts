import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepAtWork } from './keep-at-work.ts';

// The clock stands still, so that a wait is what it was when it was begun.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

/** Runs work that fails so many times, and gives what was told. */
async function ends(
  times: number,
  hasProgressed: (life: number) => boolean,
): Promise<readonly { error: unknown; waitMs: number }[]> {
  const stop = new AbortController();
  const told: { error: unknown; waitMs: number }[] = [];
  let lives = 0;
  await keepAtWork(
    async () => {
      lives += 1;
      if (lives > times) stop.abort();
      throw new Error(`life ${lives}`);
    },
    {
      stop: stop.signal,
      hasProgressed: () => hasProgressed(lives),
      onEnded: (error, nextStartAt) => void told.push({ error, waitMs: nextStartAt.getTime() - Date.now() }),
    },
  );
  return told;
}

test('what ends is begun again, ever more slowly, until it is stopped', async () => {
  const told = await ends(3, () => false);
  expect(told.map(({ error }) => String(error))).toEqual(['Error: life 1', 'Error: life 2', 'Error: life 3']);
  // Half of 0.25 s, doubled each time, is the least; another half is drawn.
  for (const [index, { waitMs }] of told.entries()) {
    expect(waitMs).toBeGreaterThanOrEqual(125 * 2 ** index);
    expect(waitMs).toBeLessThanOrEqual(250 * 2 ** index);
  }
});

test('progress starts the waits over', async () => {
  const [, , third] = await ends(3, (life) => life === 3);
  expect(third?.waitMs).toBeLessThanOrEqual(250);
});

test('an end without an error is one as well', async () => {
  const stop = new AbortController();
  const told: unknown[] = [];
  await keepAtWork(async () => undefined, {
    stop: stop.signal,
    hasProgressed: () => false,
    onEnded: (error) => {
      told.push(String(error));
      stop.abort();
    },
  });
  expect(told).toEqual(['Error: it ended without a reason']);
});
