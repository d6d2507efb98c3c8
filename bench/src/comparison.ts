/** Rounds of measurements as text: each of them, then the medians with the least and the greatest value, then the targets. */
import type { Rounds } from './rounds.ts';
import { ratios, type Spread, spread } from './statistics.ts';
import { alignColumns } from './table.ts';

/** One value of a measurement. */
export interface Metric<Measurement> {
  readonly title: string;
  readonly digits: number;
  readonly value: (measurement: Measurement) => number;
}

/** Two programs of a round, by their places in it: how many times as much the first one takes is the ratio. */
export interface Opposition {
  readonly title: string;
  readonly ours: number;
  readonly reference: number;
}

/** What was measured, and what to compare. */
export interface Comparison<Measurement> {
  readonly names: readonly string[];
  readonly metrics: readonly Metric<Measurement>[];
  readonly oppositions: readonly Opposition[];
  /** At least one. */
  readonly rounds: Rounds<Measurement>;
}

/** Every single measurement with the ratios of its round, then the summary. */
export function formatComparison<M>(comparison: Comparison<M>): string {
  const { metrics, rounds } = comparison;
  const head = ['round', 'program', ...metrics.map((metric) => metric.title)];
  const rows = rounds.flatMap((round, index) => roundRows(comparison, round, String(index + 1)));
  return `${alignColumns([head, ...rows])}\n\n${alignColumns(summaryRows(comparison))}`;
}

/** Median, least and greatest of the ratios of one metric; undefined where the reference used nothing that could be compared. */
export function ratioSpread<M>(rounds: Rounds<M>, metric: Metric<M>, { ours, reference }: Opposition): Spread | undefined {
  const [values, references] = [ours, reference].map((place) => valuesAt(rounds, metric, place)) as [number[], number[]];
  return references.every((value) => value > 0) ? spread(ratios(values, references)) : undefined;
}

/** The values of one program, by round. */
export function valuesAt<M>(rounds: Rounds<M>, metric: Metric<M>, place: number): readonly number[] {
  return rounds.map((round) => metric.value(round[place] as M));
}

function roundRows<M>(comparison: Comparison<M>, round: readonly M[], number: string): readonly (readonly string[])[] {
  const { names, metrics, oppositions } = comparison;
  const runs = names.map((name, place) => [
    number,
    name,
    ...metrics.map((metric) => metric.value(round[place] as M).toFixed(metric.digits)),
  ]);
  const compared = oppositions.map((opposition) => [
    number,
    opposition.title,
    ...metrics.map((metric) => ratioSpread([round], metric, opposition)?.median.toFixed(2) ?? '-'),
  ]);
  return [...runs, ...compared];
}

function summaryRows<M>({ names, metrics, oppositions, rounds }: Comparison<M>): readonly (readonly string[])[] {
  const head = ['median (min..max)', ...names, ...oppositions.map(({ title }) => title)];
  const rows = metrics.map((metric) => [
    metric.title,
    ...names.map((_, place) => spreadText(spread(valuesAt(rounds, metric, place)), metric.digits)),
    ...oppositions.map((opposition) => ratioText(ratioSpread(rounds, metric, opposition))),
  ]);
  return [head, ...rows];
}

/** `2.50 (2.00..3.00)` */
export function spreadText({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}..${max.toFixed(digits)})`;
}

function ratioText(ratio: Spread | undefined): string {
  return ratio === undefined ? '-' : spreadText(ratio, 2);
}
