import { expect, test } from 'vitest';
import { formatSeries } from './report.ts';

const slow = { wallSeconds: 4, startSeconds: 0.01, cpuSeconds: 0, peakBytes: 9e6 };
const quick = { wallSeconds: 2, startSeconds: 0.5, cpuSeconds: 1.25, peakBytes: 97.4e6 };
const slower = { ...quick, wallSeconds: 3, peakBytes: 121e6 };

function targets(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith('target'));
}

test('on a disk, walvault should take a fourth less and hardly more for its checks', () => {
  const rounds = [[slow, slower, quick]];
  const text = formatSeries({ flush: 'segment', bytes: 1e9, isOnDisk: true, ours: ['checked', 'unchecked'], rounds });
  expect(text).toContain('flush at the end of each segment: pg_receivewal, walvault with flush = segment');
  expect(text).toMatch(/1 {2}cost of checks +1\.50 +0\.67 +1\.00 +1\.00 +1\.24/);
  expect(targets(text)).toEqual([
    'target wall ratio checked <= 0.77: met (median 0.75)',
    'target wall ratio unchecked <= 0.77: met (median 0.50)',
    'target cost of checks, wall <= 1.11: MISSED (median 1.50)',
    'target peak MB <= 120: MISSED (greatest 121)',
  ]);
});

test('in memory, it should take no more without checks and a fifth more with them', () => {
  const series = { flush: 'continuous', bytes: 1e9, isOnDisk: false } as const;
  expect(targets(formatSeries({ ...series, ours: ['unchecked'], rounds: [[quick, slow]] }))).toEqual([
    'target wall ratio unchecked <= 1.00: MISSED (median 2.00)',
    'target peak MB <= 120: met (greatest 9)',
  ]);
  expect(targets(formatSeries({ ...series, ours: ['checked'], rounds: [[slow, slow]] }))[0]).toBe(
    'target wall ratio checked <= 1.20: met (median 1.00)',
  );
});
