import { expect, test } from 'vitest';
import { formatBoundaryRun } from './report.ts';

test('the longest commit at an end counts, beyond the longest flush of the disk', () => {
  const commits = [
    { place: 'inside', latencyMs: 400 },
    { place: 'at the end', latencyMs: 130 },
    { place: 'first behind', latencyMs: 2 },
  ] as const;
  const run = { name: 'walvault', segmentSizeMb: 1, segments: 2, commits, flushesMs: [1, 25] };
  expect(formatBoundaryRun(run)).toBe(
    `
walvault, 2 segments of 1 MiB

                       count     p50     p99   p99.9     max
  commit inside            1  400.00  400.00  400.00  400.00
  commit at the end        1  130.00  130.00  130.00  130.00
  commit across            0       -       -       -       -
  commit first behind      1    2.00    2.00    2.00    2.00
  flush of the disk        2    1.00   25.00   25.00   25.00

target longest at an end beyond the longest flush, ms <= 100.0: MISSED (greatest 105.0)
`.trim(),
  );
  expect(formatBoundaryRun({ ...run, flushesMs: [30] })).toContain('met (greatest 100.0)');
});
