import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearestName } from './nearest-name.ts';

const names = ['streaming_archiver', 'streaming_archiver_name', 'slot_name', 'archiver', 'conninfo'];

test.each([
  ['stream_archiver', 'streaming_archiver'],
  ['streaming_archive', 'streaming_archiver'],
  ['slotname', 'slot_name'],
  ['coninfo', 'conninfo'],
  ['archiver', 'archiver'],
])('%s is meant to be %s', (name, meant) => {
  expect(nearestName(name, names)).toBe(meant);
});

test('nothing is near to a name of its own', () => {
  expect(nearestName('bogus_option', names)).toBeUndefined();
  expect(nearestName('x', [])).toBeUndefined();
});

test('the distance is a distance', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test.each([
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
  ['abc', 'abc', 0],
])('from %j to %j it is %d', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
});
