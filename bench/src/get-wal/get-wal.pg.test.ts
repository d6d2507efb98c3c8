import { expect, test } from 'vitest';
import { measureGetWal } from './get-wal.ts';

test('the bench gets a segment with Barman and with walvault and reports what it took', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const all = await measureGetWal({ pairs: 1, codec: ['gzip'], major: 15, program: 'source' }, voice);
  expect(all.map(({ codec, rounds }) => [codec, rounds.map((round) => round.length)])).toEqual([['gzip', [2]]]);
  for (const run of all[0]!.rounds.flat()) expect(run.cpuSeconds).toBeGreaterThan(0);
  expect(said.join('\n')).toMatch(/target wall ratio gzip <= 0\.50: (met|MISSED)/);
});
