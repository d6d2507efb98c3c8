/**
 * Whatever was told to be archived is in the archive after a crash, noted, and nothing is lost on the way there: thousands of life
 * stories of archivers on a disk that fails at every operation (see disk-schedule.test-support.ts).
 *
 * When one fails, its seed is in the message; `WALVAULT_SEED=<seed> vitest run faulty-disk` plays it alone and prints all that
 * happens on the disk.
 */
import { env, stdout } from 'node:process';
import { describe, expect, test } from 'vitest';
import { brokenArchivers, type BrokenArchiver } from './broken-archivers.test-support.ts';
import { playSchedule } from './disk-schedule.test-support.ts';
import { playSchedules } from './disk-schedules.test-support.ts';

const seedToReplay = env['WALVAULT_SEED'];
const schedules = Number(env['WALVAULT_SCHEDULES'] ?? 1000);

if (seedToReplay === undefined) describe('on a disk that does its worst', manySchedules);
else {
  test(`the schedule of seed ${seedToReplay}`, async () => {
    await playSchedule({ seed: Number(seedToReplay), onEvent: (text) => void stdout.write(`${text}\n`) });
  });
}

function manySchedules(): void {
  test(`${schedules} archivers lose nothing, note nothing twice, and have everything in its place in the end`, {
    timeout: 1_800_000,
  }, async () => {
    const { failures, played } = await playSchedules({ count: schedules });
    expect(failures).toEqual([]);
    expect(played).toBe(schedules);
  });

  test.each(Object.keys(brokenArchivers) as BrokenArchiver[])(
    'an archiver is found out when %s',
    { timeout: 600_000 },
    async (broken) => {
      // It ends with the first that finds it; the rarest was found by the 770th.
      const { failures } = await playSchedules({ count: 4000, broken });
      expect(failures[0]?.message).toMatch(
        / is nowhere any more|with other content|is not in|lines of xlog.db|names in the catalogue|temporary files|in the errors directory/,
      );
    },
  );

  test('one seed is one story, to the last call', async () => {
    for (let seed = 0; seed < 20; seed += 1) expect(await storyOf(seed), `seed ${seed}`).toEqual(await storyOf(seed));
  });
}

async function storyOf(seed: number): Promise<readonly string[]> {
  const events: string[] = [];
  // names of temporary files are made up each time
  await playSchedule({
    seed,
    onEvent: (text) => void events.push(text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')),
  });
  return events;
}
