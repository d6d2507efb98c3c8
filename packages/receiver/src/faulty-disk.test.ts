/**
 * Whatever was acknowledged is on the disk after a crash, and a restart goes on to a byte-identical result: thousands of life
 * stories on a disk that fails at every operation (see disk-schedule.test-support.ts).
 *
 * When one fails, its seed is in the message; `WALVAULT_SEED=<seed> vitest run faulty-disk` plays it alone and prints all that
 * happens on the disk and between receiver and server.
 */
import { env, stdout } from 'node:process';
import { describe, expect, test } from 'vitest';
import { brokenDisks, type BrokenDisk } from './broken-disks.test-support.ts';
import { playSchedule, scheduleWals } from './disk-schedule.test-support.ts';
import { playSchedules } from './disk-schedules.test-support.ts';

const seedToReplay = env['WALVAULT_SEED'];
const schedules = 10_000;
const wals = scheduleWals();

if (seedToReplay === undefined) describe('on a disk that does its worst', manySchedules);
else {
  test(`the schedule of seed ${seedToReplay}`, async () => {
    await playSchedule({ seed: Number(seedToReplay), wals, onEvent: (text) => void stdout.write(`${text}\n`) });
  });
}

function manySchedules(): void {
  test(`${schedules} receivers keep all that they acknowledged, and have all of it in the end`, {
    timeout: 1_800_000, // two minutes on two processors that have nothing else to do
  }, async () => {
    const { failures, played } = await playSchedules({ count: schedules });
    expect(failures).toEqual([]);
    expect(played).toBe(schedules);
  });

  test.each(Object.keys(brokenDisks) as BrokenDisk[])('a receiver is found out when %s', async (broken) => {
    const { failures } = await playSchedules({ count: 2000, broken });
    expect(failures[0]?.message).toMatch(/ was acknowledged|is wrong from byte|did not come to its end/);
  });

  test('one seed is one story, to the last call', async () => {
    for (let seed = 0; seed < 40; seed += 1) expect(await storyOf(seed), `seed ${seed}`).toEqual(await storyOf(seed));
  });
}

async function storyOf(seed: number): Promise<readonly string[]> {
  const events: string[] = [];
  await playSchedule({ seed, wals, onEvent: (text) => void events.push(text) });
  return events;
}
