import { expect, test } from 'vitest';
import { measureStart } from './start.ts';

test('the bench starts commands of Barman and of walvault and reports what it took', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const all = await measureStart({ pairs: 1, command: ['list-servers', 'status'], major: 15, program: 'source' }, voice);
  expect(all.map(({ command, rounds }) => [command, rounds.map((round) => round.length)])).toEqual([
    ['list-servers', [2]],
    ['status', [2]],
  ]);
  for (const run of all.flatMap(({ rounds }) => rounds.flat())) expect(run.cpuSeconds).toBeGreaterThan(0);
  expect(said.join('\n')).toMatch(/target wall s of status <= 0\.150: (met|MISSED)/);
});
