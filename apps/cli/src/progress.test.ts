import { expect, test } from 'vitest';
import { progressLine } from './progress.ts';

test('a bar on a terminal, words elsewhere, with the time that is left', () => {
  expect(progressLine('Reading', { done: 10, total: 40, elapsedMs: 5000, bar: true })).toBe(
    'Reading [########......................] 10 of 40, 2.0/s, about 15 s left',
  );
  expect(progressLine('Reading', { done: 10, total: 40, elapsedMs: 5000, bar: false })).toBe(
    'Reading: 10 of 40, 2.0/s, about 15 s left',
  );
});

test('nothing is promised before the first and behind the last', () => {
  expect(progressLine('Reading', { done: 0, total: 40, elapsedMs: 0, bar: false })).toBe('Reading: 0 of 40');
  expect(progressLine('Reading', { done: 40, total: 40, elapsedMs: 9, bar: false })).toBe('Reading: 40 of 40, 4444.4/s');
  expect(progressLine('Reading', { done: 0, total: 0, elapsedMs: 0, bar: true })).toBe(`Reading [${'#'.repeat(30)}] 0 of 0`);
});

test('a rate where bytes are counted, and no credit for what was done before', () => {
  const state = { done: 30, total: 40, elapsedMs: 5000, begunAt: 20, bytes: 5 * 1024 ** 2, bar: false };
  expect(progressLine('Reading', state)).toBe('Reading: 30 of 40, 1.0 MiB/s, about 5 s left');
});

test('bytes are told as such', () => {
  const state = {
    done: 3 * 1024 ** 3,
    total: 4 * 1024 ** 3,
    begunAt: 1024 ** 3,
    elapsedMs: 400_000,
    unit: 'bytes',
    bar: false,
  } as const;
  expect(progressLine('Catching up', state)).toBe('Catching up: 3.0 GiB of 4.0 GiB, 5.1 MiB/s, about 3 min left');
});
