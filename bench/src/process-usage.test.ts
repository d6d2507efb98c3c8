import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { parseProcessUsage, readProcessUsage, readWakeUps } from './process-usage.ts';

const stat = '123 (a (b) 9 c) S 1 123 123 0 -1 4194560 900 0 0 0 250 75 0 0 20 0 11 0 100 0 0';

describe('parseProcessUsage', () => {
  test('adds user and system time and finds the peak, whatever the name of the program', () => {
    expect(parseProcessUsage(stat, 'Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n')).toEqual({
      cpuSeconds: 3.25,
      peakBytes: 2_097_152,
      residentBytes: 1_048_576,
    });
  });

  test('knows nothing about a zombie', () => {
    expect(parseProcessUsage(stat, 'Name:\tx\nState:\tZ (zombie)\n')).toBeUndefined();
  });
});

describe('readProcessUsage', () => {
  test('agrees with what the process says about itself', () => {
    const end = performance.now() + 60;
    while (performance.now() < end); // some processor time to be counted
    const { user, system } = process.cpuUsage();
    const usage = readProcessUsage(process.pid)!;
    expect(Math.abs(usage.cpuSeconds - (user + system) / 1e6)).toBeLessThan(1);
    expect(usage.peakBytes).toBeGreaterThanOrEqual(process.memoryUsage.rss() * 0.5);
    expect(usage.peakBytes).toBeLessThanOrEqual(process.resourceUsage().maxRSS * 1024 * 1.1);
  });

  test('knows nothing about a process that has ended', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(readProcessUsage(child.pid!)).toBeUndefined();
  });
});

describe('readWakeUps', () => {
  test('counts how often a process went to sleep', async () => {
    const before = readWakeUps(process.pid)!;
    for (let count = 0; count < 20; count += 1) await sleep(1);
    expect(readWakeUps(process.pid)! - before).toBeGreaterThanOrEqual(10);
  });

  test('knows nothing about a process that has ended', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(readWakeUps(child.pid!)).toBeUndefined();
  });
});
