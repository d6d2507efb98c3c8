import { expect, test } from 'vitest';
import { formatComparison, ratioSpread, valuesAt } from './comparison.ts';

const wall = { title: 'wall s', digits: 2, value: (run: { wall: number }) => run.wall };
const ratio = { title: 'ratio', ours: 1, reference: 0 };

test('a comparison shows every round with its ratio, and the medians with their spread', () => {
  const rounds = [
    [{ wall: 4 }, { wall: 2 }],
    [{ wall: 4 }, { wall: 3 }],
  ];
  expect(formatComparison({ names: ['theirs', 'ours'], metrics: [wall], oppositions: [ratio], rounds })).toBe(
    `
  round  program  wall s
      1  theirs     4.00
      1  ours       2.00
      1  ratio      0.50
      2  theirs     4.00
      2  ours       3.00
      2  ratio      0.75

  median (min..max)             theirs               ours              ratio
  wall s             4.00 (4.00..4.00)  2.50 (2.00..3.00)  0.63 (0.50..0.75)
`
      .slice(1)
      .trimEnd(),
  );
});

test('what used nothing that could be compared has no ratio', () => {
  const rounds = [[{ wall: 0 }, { wall: 2 }]];
  expect(ratioSpread(rounds, wall, ratio)).toBeUndefined();
  expect(formatComparison({ names: ['theirs', 'ours'], metrics: [wall], oppositions: [ratio], rounds })).toMatch(
    /1 {2}ratio +-$/m,
  );
});

test('valuesAt gives the values of one place, round by round', () => {
  expect(
    valuesAt(
      [
        [{ wall: 1 }, { wall: 2 }],
        [{ wall: 3 }, { wall: 4 }],
      ],
      wall,
      1,
    ),
  ).toEqual([2, 4]);
});
