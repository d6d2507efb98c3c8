import { expect, test } from 'vitest';
import { measureCommit } from './commit.ts';

test('the bench lets clients wait for either receiver and reports what they saw', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const options = { clients: [1, 4], seconds: 1, pairs: 1, work: 'insert', directory: '', major: 15, program: 'source' } as const;
  const all = await measureCommit(options, voice);
  expect(all.map(({ clients }) => clients)).toEqual([1, 4]);
  for (const { alone, rounds } of all) {
    expect(alone.tps).toBeGreaterThan(0);
    expect(rounds[0]).toHaveLength(2);
    for (const run of rounds.flat()) {
      expect(run.tps).toBeGreaterThan(0);
      expect(run.medianMs).toBeGreaterThan(0);
      expect(run.p99Ms).toBeGreaterThanOrEqual(run.medianMs);
      expect(run.maxMs).toBeGreaterThanOrEqual(run.p99Ms);
    }
  }
  expect(said.join('\n')).toMatch(/4 clients \(without a standby: tps \d+/);
  expect(said.join('\n').match(/target (tps|p99) ratio [<>]= 1\.00: (met|MISSED)/g)).toHaveLength(4);
});
