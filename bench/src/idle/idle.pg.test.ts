import { expect, test } from 'vitest';
import { formatIdle, measureIdle } from './idle.ts';

test('the bench watches both receivers of an idle server', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const uses = await measureIdle({ seconds: 2, settle: 0, major: 15, program: 'source' }, voice);
  expect(uses.map(({ name }) => name)).toEqual(['pg_receivewal', 'walvault']);
  for (const { cpuPercent, peakBytes } of uses) {
    expect(cpuPercent).toBeGreaterThanOrEqual(0);
    expect(peakBytes).toBeGreaterThan(1_000_000);
  }
  expect(uses[1]!.wakeUpsPerSecond).toBeGreaterThan(0); // it has timers
  expect(said.join('\n')).toMatch(/target idle CPU, % of a core <= 0\.50: (met|MISSED)/);
});

test('walvault should use at most half a percent of a processor', () => {
  const use = { name: 'walvault', cpuPercent: 0.51, wakeUpsPerSecond: 4, peakBytes: 91e6 };
  expect(formatIdle([use], 60)).toContain('MISSED (mean of 60 s, 0.51)');
  expect(formatIdle([{ ...use, cpuPercent: 0.5 }], 60)).toContain('met (mean of 60 s, 0.50)');
});
