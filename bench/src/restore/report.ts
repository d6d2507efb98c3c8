/** The measurements of `bench restore` as text, and what they should be. */
import { formatComparison, type Metric, type Opposition, ratioSpread } from '../comparison.ts';
import type { Rounds } from '../rounds.ts';
import { formatTarget, type Target } from '../target.ts';
import type { RecoveryRun } from './recovery-run.ts';
import type { ContenderName } from './recovery-stock.ts';

/** Everything that was measured. */
export interface RestoreSeries {
  readonly segments: number;
  /** In the order of the measurements of a round. */
  readonly names: readonly ContenderName[];
  readonly rounds: Rounds<RecoveryRun>;
}

/** Greatest wall time of walvault as a share of that of the other. */
const targets: Readonly<Partial<Record<ContenderName, number>>> = { cp: 1.3, barman: 0.2, pgbackrest: 1 };

const wall: Metric<RecoveryRun> = { title: 'wall s', digits: 2, value: (run) => run.wallSeconds };
const cpu: Metric<RecoveryRun> = { title: 'CPU s', digits: 1, value: (run) => run.cpuSeconds };

/** Each round, then the medians with the least and the greatest value, then whether the targets are met. */
export function formatRestoreSeries({ segments, names, rounds }: RestoreSeries): string {
  const perSegment: Metric<RecoveryRun> = {
    title: 'ms/segment',
    digits: 1,
    value: (run) => (run.wallSeconds * 1000) / segments,
  };
  const ours = names.indexOf('walvault');
  const oppositions: readonly Opposition[] = names
    .map((name, reference) => ({ title: `to ${name}`, ours, reference }))
    .filter(({ reference }) => ours >= 0 && reference !== ours);
  const comparison = { names, metrics: [wall, perSegment, cpu], oppositions, rounds };
  const reached = oppositions.map((opposition) =>
    formatTarget(targetOf(names[opposition.reference] ?? 'cp', opposition, rounds)),
  );
  return [formatComparison(comparison), '', ...reached].join('\n');
}

function targetOf(name: ContenderName, opposition: Opposition, rounds: Rounds<RecoveryRun>): Target {
  const value = ratioSpread(rounds, wall, opposition)?.median;
  return { what: `wall ratio to ${name}`, bound: { atMost: targets[name] ?? 1 }, value, taken: 'median', digits: 2 };
}
