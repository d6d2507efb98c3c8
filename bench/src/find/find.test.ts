import { expect, test } from 'vitest';
import { formatFind, measureFind } from './find.ts';

test('a small run finds every target, and reports it', async () => {
  const reports: string[] = [];
  const times = await measureFind(
    { segments: 100, rounds: 3, seed: 1 },
    { report: (text) => reports.push(text), progress: () => undefined },
  );
  expect(times).toHaveLength(3);
  expect(reports.join('\n')).toMatch(/3 times in 100 segments[\s\S]+target query ms <= 50\.0/);
});

test('the medians stand in the table, and what is missed is said', () => {
  const times = [40, 60, 80].map((query) => ({ query, list: 1, find: 2 }));
  expect(formatFind(times, 7)).toBe(`3 times in 7 segments

  step                         median ms  least  greatest
  catalogue opened and asked        60.0   40.0      80.0
  archive listed by names            1.0    1.0       1.0
  target found, segments read        2.0    2.0       2.0

target query ms <= 50.0: MISSED (median 60.0)`);
});
