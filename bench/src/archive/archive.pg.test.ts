import { expect, test } from 'vitest';
import { measureArchive } from './archive.ts';

test('the bench archives a few segments with Barman and with walvault and reports what it took', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const { bytes, rounds } = await measureArchive(
    { segments: 1, pairs: 1, wal: 'bulk', codec: ['gzip', 'zstd'], level: '', directory: '', major: 15, program: 'source' },
    voice,
  );
  expect(bytes).toBe(16 * 1024 * 1024);
  expect(rounds.map((round) => round.length)).toEqual([3]);
  for (const run of rounds.flat()) {
    expect(run.wallSeconds).toBeGreaterThan(0);
    expect(run.cpuSeconds).toBeGreaterThan(0);
    expect(run.storedBytes).toBeGreaterThan(1000);
    expect(run.storedBytes).toBeLessThan(bytes);
  }
  const report = said.join('\n');
  expect(report).toMatch(/peer {9}barman gzip: \d+\.\d+/);
  expect(report.match(/target .*: (met|MISSED)/g)).toHaveLength(3);
});
