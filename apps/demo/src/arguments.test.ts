import { expect, test } from 'vitest';
import { readArguments } from './arguments.ts';

test('runs for eight seconds and keeps nothing unless told so', () => {
  expect(readArguments([])).toEqual({ help: false, keep: false, sabotage: false, seconds: 8 });
  expect(readArguments(['--keep', '--seconds', '2.5', '--sabotage'])).toMatchObject({ keep: true, sabotage: true, seconds: 2.5 });
});

test.each([[['--sekonds', '3']], [['--seconds', 'many']], [['--seconds', '0']], [['--seconds', '']], [['whatever']]])(
  'does not guess what %j might mean',
  (argv) => {
    expect(() => readArguments(argv)).toThrow(TypeError);
  },
);
