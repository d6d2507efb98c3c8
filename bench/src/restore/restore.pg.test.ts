import { expect, test } from 'vitest';
import { measureRestore } from './restore.ts';

test('the bench recovers through all four programs to the same place and reports what it took', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const options = {
    segments: 1,
    pairs: 1,
    wal: 'bulk',
    codec: 'zstd',
    fsync: 'off',
    directory: '',
    major: 15,
    program: 'source',
  } as const;
  const against = ['cp', 'walvault', 'barman', 'pgbackrest'] as const;
  const series = await measureRestore({ ...options, against }, voice);
  expect(series.names).toEqual(against);
  for (const run of series.rounds.flat()) expect(run.wallSeconds).toBeGreaterThan(0);
  expect(said.join('\n')).toMatch(/target wall ratio to barman <= 0\.20: (met|MISSED)/);
});
