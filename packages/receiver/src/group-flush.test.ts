import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupFlush } from './group-flush.ts';

/** A flusher whose flushes end when the test says so. */
function controlled() {
  const running: PromiseWithResolvers<void>[] = [];
  const told: string[] = [];
  const flusher = new GroupFlush({
    flush: () => {
      told.push('flush');
      const flush = Promise.withResolvers<void>();
      running.push(flush);
      return flush.promise;
    },
    onFlushed: (durationMs) => told.push(durationMs >= 0 ? 'flushed' : 'negative'),
    onFailed: (error) => told.push(`failed: ${String(error)}`),
  });
  return { flusher, told, running, turn: () => new Promise<void>((resolve) => setImmediate(resolve)) };
}

test('the first request flushes at once', () => {
  const { flusher, told } = controlled();
  flusher.request();
  expect(told).toEqual(['flush']);
});

test('requests during a flush add up to one more, which begins when that is done', async () => {
  const { flusher, told, running, turn } = controlled();
  flusher.request();
  flusher.request();
  flusher.request();
  await turn();
  expect(told).toEqual(['flush']);
  running[0]!.resolve();
  await turn();
  expect(told).toEqual(['flush', 'flushed', 'flush']);
  running[1]!.resolve();
  await turn();
  expect(told).toEqual(['flush', 'flushed', 'flush', 'flushed']);
  flusher.request();
  expect(told).toHaveLength(5);
});

test('settled waits for the flush that runs and the one that is asked for', async () => {
  const { flusher, running, turn } = controlled();
  let isSettled = false;
  await flusher.settled(); // nothing to wait for
  flusher.request();
  flusher.request();
  const settled = flusher.settled().then(() => (isSettled = true));
  running[0]!.resolve();
  await turn();
  expect(isSettled).toBe(false);
  running[1]!.resolve();
  await settled;
  expect(running).toHaveLength(2);
});

test('a failed flush is told once, thrown to everybody who waits, and the last one', async () => {
  const { flusher, told, running } = controlled();
  flusher.request();
  flusher.request();
  const waiting = [flusher.settled(), flusher.settled()];
  running[0]!.reject('the disk is gone');
  for (const settled of waiting) await expect(settled).rejects.toBe('the disk is gone');
  flusher.request();
  await expect(flusher.settled()).rejects.toBe('the disk is gone');
  expect(told).toEqual(['flush', 'failed: the disk is gone']);
});

test('a failure that nobody waits for is no unhandled rejection', async () => {
  const { flusher, told, running, turn } = controlled();
  flusher.request();
  running[0]!.reject('the disk is gone');
  await turn();
  expect(told).toEqual(['flush', 'failed: the disk is gone']);
});

test('a listener that throws ends flushing like a failed flush', async () => {
  const failures: unknown[] = [];
  const flusher = new GroupFlush({
    flush: () => Promise.resolve(),
    onFlushed: () => {
      throw new Error('the listener broke');
    },
    onFailed: (error) => failures.push(error),
  });
  flusher.request();
  await expect(flusher.settled()).rejects.toThrow('the listener broke');
  expect(failures).toHaveLength(1);
});

test('at any schedule: never two flushes at a time, and when settled all that was written before the last request is flushed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 20 }), async (scheduler, writes) => {
      let [written, flushed, atATime, most] = [0, 0, 0, 0];
      const flusher = new GroupFlush({
        flush: async () => {
          const target = written;
          most = Math.max(most, (atATime += 1));
          await scheduler.schedule(Promise.resolve(), 'flush');
          atATime -= 1;
          flushed = target;
        },
        onFlushed: () => undefined,
        onFailed: () => undefined,
      });
      const writer = (async () => {
        for (let write = 1; write <= writes; write += 1) {
          await scheduler.schedule(Promise.resolve(), 'write');
          written = write;
          flusher.request();
        }
      })();
      await scheduler.waitFor(writer.then(() => flusher.settled()));
      expect(most).toBe(1);
      expect(flushed).toBe(writes);
    }),
    { numRuns: 50 },
  );
});
