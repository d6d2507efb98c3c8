import { expect, test } from 'vitest';
import { measureVerify } from './verify.ts';

test('the bench verifies a few segments with pg_waldump and with walvault and reports what it took', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const { bytes, rounds } = await measureVerify({ segments: 2, pairs: 1, wal: 'bulk', major: 15, program: 'source' }, voice);
  expect(bytes).toBe(2 * 16 * 1024 * 1024);
  expect(rounds.map((round) => round.length)).toEqual([2]);
  for (const run of rounds.flat()) expect(run.wallSeconds).toBeGreaterThan(0);
  const report = said.join('\n');
  expect(report).toMatch(/peer {9}pg_waldump --quiet: \d+\.\d+/);
  expect(report.match(/target .*: (met|MISSED)/g)).toHaveLength(2);
});
