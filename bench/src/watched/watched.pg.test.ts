import { expect, test } from 'vitest';
import { measureWatched } from './watched.ts';

test('the bench receives alone and watched, and reports what being watched costs', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const rounds = await measureWatched({ gigabytes: 0.04, clients: 20, pairs: 1, major: 15, program: 'source' }, voice);
  expect(rounds.map((round) => round.length)).toEqual([2]);
  for (const run of rounds.flat()) expect(run.wallSeconds).toBeGreaterThan(0);
  expect(said.join('\n')).toMatch(/target wall ratio <= 1\.031: (met|MISSED)/);
});
