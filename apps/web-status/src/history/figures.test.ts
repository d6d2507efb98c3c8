import { expect, test } from 'vitest';
import { historyMetrics } from '../schema/history.ts';
import { coarseStepMs, type FigureSample, Figures, fineStepMs } from './figures.ts';
import { HistoryFile } from './history-file.ts';

const startMs = Date.parse('2026-07-01T00:00:00Z');
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function sample(bytesPerSecond: number | null): FigureSample {
  const none = Object.fromEntries(historyMetrics.map((metric) => [metric, null])) as unknown as FigureSample;
  return { ...none, bytesPerSecond };
}

function note(figures: Figures, atMs: number, value: number | null): void {
  figures.note(new Map([['pg', sample(value)]]), atMs);
}

test('the last hour is fine, and what lies before it is the least, the mean and the greatest of five minutes', () => {
  using file = new HistoryFile(':memory:');
  const figures = new Figures(file);
  for (let atMs = startMs; atMs < startMs + 3 * hourMs; atMs += 30_000) {
    note(figures, atMs, (atMs - startMs) / 1000);
    if (atMs % coarseStepMs === 0) figures.condense(atMs);
  }
  const nowMs = startMs + 3 * hourMs;
  const fine = figures.series('pg', 'bytesPerSecond', { fromMs: nowMs - hourMs, toMs: nowMs, nowMs });
  expect(fine.stepMs).toBe(fineStepMs);
  expect(fine.points).toHaveLength(120);
  expect(fine.points[0]).toEqual([nowMs - hourMs, 7200, 7200, 7200]);
  const coarse = figures.series('pg', 'bytesPerSecond', { fromMs: startMs, toMs: nowMs, nowMs });
  expect(coarse.stepMs).toBe(coarseStepMs);
  expect(coarse.points).toHaveLength(36);
  expect(coarse.points[0]).toEqual([startMs, 0, 135, 270]);
  // The step that is not over is among them.
  expect(coarse.points.at(-1)).toEqual([nowMs - coarseStepMs, 10_500, 10_635, 10_770]);
});

test('what was missed while nobody ran is summed up afterwards, once', () => {
  using file = new HistoryFile(':memory:');
  const figures = new Figures(file);
  for (let step = 0; step < 20; step += 1) note(figures, startMs + step * 30_000, step);
  const nowMs = startMs + 2 * hourMs;
  const all = { fromMs: startMs, toMs: nowMs, nowMs };
  const before = figures.series('pg', 'bytesPerSecond', all);
  figures.condense(nowMs);
  figures.condense(nowMs);
  expect(figures.series('pg', 'bytesPerSecond', all)).toEqual(before);
  expect(before.points.map(([, , mean]) => mean)).toEqual([4.5, 14.5]);
  expect(file.rows('SELECT count(*) AS rows FROM fine')).toEqual([{ rows: 0 }]);
});

test('what is not known is null, and what was not recorded is not there', () => {
  using file = new HistoryFile(':memory:');
  const figures = new Figures(file);
  note(figures, startMs, null);
  note(figures, startMs + 60_000, 5);
  const nowMs = startMs + 120_000;
  const { points } = figures.series('pg', 'bytesPerSecond', { fromMs: startMs, toMs: nowMs, nowMs });
  expect(points).toEqual([
    [startMs, null, null, null],
    [startMs + 60_000, 5, 5, 5],
  ]);
});

test('a year takes no more room than a month', () => {
  using file = new HistoryFile(':memory:');
  const figures = new Figures(file);
  for (let day = 0; day < 365; day += 1) {
    const atMs = startMs + day * dayMs;
    note(figures, atMs, day);
    figures.condense(atMs + hourMs * 2);
  }
  expect(Number(file.rows('SELECT count(*) AS rows FROM coarse')[0]?.['rows'])).toBe(30);
  expect(Number(file.rows('SELECT count(*) AS rows FROM fine')[0]?.['rows'])).toBe(0);
});

test('after the clock was far ahead for a while, what follows is summed up as before', () => {
  using file = new HistoryFile(':memory:');
  const figures = new Figures(file);
  note(figures, startMs + 365 * dayMs, 1);
  figures.condense(startMs + 365 * dayMs + hourMs);
  note(figures, startMs, 7);
  const nowMs = startMs + 2 * hourMs;
  figures.condense(nowMs);
  expect(file.rows('SELECT at FROM coarse')).toEqual([{ at: startMs }]);
});
