import { expect, test } from 'vitest';
import { formatRun, type RunResult } from './report.ts';
import { measureRun } from './run.ts';

test('the bench runs a small fleet: what can stream does, one crash touches nobody else, and it ends in good order', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const options = { servers: 6, seconds: 1, settle: 0, 'flood-mb': 16, major: 18, program: 'source' } as const;
  const result = await measureRun(options, voice);
  expect(result).toMatchObject({ servers: 6, otherRestarts: 0 });
  expect(result.crashes).toBeGreaterThanOrEqual(1);
  expect(result.besideMs.length).toBeGreaterThanOrEqual(1);
  expect(said.join('\n')).toMatch(/target most resident memory, MB <= 250: (met|MISSED)/);
});

test('the targets are those of fifty servers', () => {
  const result: RunResult = {
    servers: 50,
    idleCpuPercent: 3.01,
    idleBytes: 200e6,
    peakBytes: 250e6,
    aloneMs: 100,
    besideMs: [100, 300, 200],
    floodMegabytesPerSecond: 80,
    slowMegabytes: 1,
    crashes: 1,
    otherRestarts: 0,
    backMs: 300,
    stopMs: 500,
  };
  const text = formatRun(result, 30);
  expect(text).toContain('target most resident memory, MB <= 250: met (most 250)');
  expect(text).toContain('target idle CPU, % of a core <= 3.00: MISSED (mean of 30 s, 3.01)');
  expect(text).toMatch(/beside the flood, ms \(median and most of 3\) +200, 300/);
});
