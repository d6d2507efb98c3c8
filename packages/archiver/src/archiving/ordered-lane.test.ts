import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { OrderedLane } from './ordered-lane.ts';

const later = async <T>(value: T, ms = 1): Promise<T> => sleep(ms, value);

async function fail(message: string): Promise<never> {
  await sleep(1);
  throw new Error(message);
}

test('results are finished in the order of their beginning, whatever takes how long', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(4), { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      async (durations, workers, groupSize) => {
        const finished: number[] = [];
        let working = 0;
        let most = 0;
        const lane = new OrderedLane<number>({
          workers,
          room: workers + groupSize,
          groupSize,
          finish: async (group) => void finished.push(...(await later(group))),
        });
        const work = async (index: number, ms: number): Promise<number> => {
          most = Math.max(most, (working += 1));
          const result = await later(index, ms);
          working -= 1;
          return result;
        };
        for (const [index, ms] of durations.entries()) {
          await lane.room();
          await lane.worker();
          lane.add(work(index, ms));
        }
        await lane.drain();
        expect(finished).toEqual(durations.map((_, index) => index));
        expect(most).toBeLessThanOrEqual(workers);
      },
    ),
    { numRuns: 30 },
  );
});

test('groups are as large as they should be while more comes, and the rest is finished when nothing does', async () => {
  const groups: number[][] = [];
  const lane = new OrderedLane<number>({
    workers: 9,
    room: 9,
    groupSize: 3,
    finish: async (group) => void groups.push([...group]),
  });
  for (let index = 0; index < 5; index += 1) lane.add(later(index, index));
  await sleep(50);
  expect(groups).toEqual([[0, 1, 2]]);
  lane.settle();
  await lane.change();
  expect(groups).toEqual([
    [0, 1, 2],
    [3, 4],
  ]);
});

test('an error of the work lets what was begun be finished, and nothing be begun', async () => {
  const finished: string[] = [];
  const lane = new OrderedLane<string>({
    workers: 3,
    room: 9,
    groupSize: 1,
    finish: async (group) => void finished.push(...group),
  });
  lane.add(later('first', 20));
  lane.add(fail('broken'));
  lane.add(later('third', 5));
  await expect(lane.drain()).rejects.toThrow('broken');
  expect(finished).toEqual(['first', 'third']);
  await expect(lane.room()).rejects.toThrow('broken');
});

test('an error of finishing ends it, and nothing behind is finished', async () => {
  const finished: string[] = [];
  const lane = new OrderedLane<string>({
    workers: 3,
    room: 9,
    groupSize: 1,
    finish: async (group) => {
      finished.push(...group);
      await fail('no room');
    },
  });
  lane.add(later('first', 1));
  lane.add(later('second', 20));
  await expect(lane.drain()).rejects.toThrow('no room');
  expect(finished).toEqual(['first']);
});
