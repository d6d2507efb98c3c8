import { expect, test } from 'vitest';
import { formatSeries } from './report.ts';

const slow = { wallSeconds: 4, streamSeconds: 3.9, cpuSeconds: 0, peakBytes: 9e6 };
const quick = { wallSeconds: 2, streamSeconds: 1.5, cpuSeconds: 1.25, peakBytes: 97.4e6 };

test('a report shows each pair, the medians with their spread, and whether the targets are met', () => {
  const pairs = [
    { peer: slow, ours: quick },
    { peer: slow, ours: { ...quick, wallSeconds: 3 } },
  ];
  expect(formatSeries({ flush: 'segment', bytes: 1e9, pairs })).toBe(
    `
flush at the end of each segment: pg_receivewal, walvault with flush = segment

  pair  program        wall s  MB/s  stream s  CPU s  peak MB
     1  pg_receivewal    4.00   250      3.90   0.00        9
     1  walvault         2.00   500      1.50   1.25       97
     1  ratio            0.50  2.00      0.38      -    10.82
     2  pg_receivewal    4.00   250      3.90   0.00        9
     2  walvault         3.00   333      1.50   1.25       97
     2  ratio            0.75  1.33      0.38      -    10.82

  median (min..max)      pg_receivewal           walvault                 ratio
  wall s             4.00 (4.00..4.00)  2.50 (2.00..3.00)     0.63 (0.50..0.75)
  MB/s                  250 (250..250)     417 (333..500)     1.67 (1.33..2.00)
  stream s           3.90 (3.90..3.90)  1.50 (1.50..1.50)     0.38 (0.38..0.38)
  CPU s              0.00 (0.00..0.00)  1.25 (1.25..1.25)                     -
  peak MB                     9 (9..9)        97 (97..97)  10.82 (10.82..10.82)

target wall ratio <= 1.00: met (median 0.63)
target peak memory <= 150 MB: met (greatest 97 MB)
`.trim(),
  );
});

test('a target that is not met is called missed', () => {
  const pairs = [{ peer: quick, ours: { ...slow, peakBytes: 151e6 } }];
  const text = formatSeries({ flush: 'continuous', bytes: 1e9, pairs });
  expect(text).toContain('flush all the time: pg_receivewal --synchronous');
  expect(text).toContain('target wall ratio <= 1.00: MISSED (median 2.00)');
  expect(text).toContain('target peak memory <= 150 MB: MISSED (greatest 151 MB)');
});
