/** The measurements of `bench verify` as text, and what they should be. MB are 10^6 bytes. */
import { formatComparison, type Metric, ratioSpread, valuesAt } from '../comparison.ts';
import type { Rounds } from '../rounds.ts';
import { median } from '../statistics.ts';
import { formatTarget } from '../target.ts';
import type { CommandTime } from '../timed-command.ts';

/** Everything that was measured. */
export interface VerifySeries {
  /** Volume of one run, in bytes. */
  readonly bytes: number;
  /** In each round pg_waldump, then walvault. */
  readonly rounds: Rounds<CommandTime>;
}

/** 0.4 of the speed of pg_waldump. */
const greatestWallRatio = 1 / 0.4;
/** MB for each second of processor time. */
const leastRate = 600;
const opposition = { title: 'ratio', ours: 1, reference: 0 };

/** Each round, then the medians with the least and the greatest value, then whether the targets are met. */
export function formatVerifySeries({ bytes, rounds }: VerifySeries): string {
  const megabytes = bytes / 1e6;
  const wall: Metric<CommandTime> = { title: 'wall s', digits: 3, value: (run) => run.wallSeconds };
  const rate: Metric<CommandTime> = { title: 'MB/s', digits: 0, value: (run) => megabytes / run.wallSeconds };
  const cpu: Metric<CommandTime> = { title: 'CPU s', digits: 2, value: (run) => run.cpuSeconds };
  const perCore: Metric<CommandTime> = {
    title: 'MB/CPU s',
    digits: 0,
    value: (run) => megabytes / Math.max(run.cpuSeconds, 0.01),
  };
  const metrics = [wall, rate, cpu, perCore];
  const targets = [
    {
      what: 'wall ratio',
      bound: { atMost: greatestWallRatio },
      value: ratioSpread(rounds, wall, opposition)?.median,
      taken: 'median',
      digits: 2,
    },
    { what: 'MB/CPU s', bound: { atLeast: leastRate }, value: median(valuesAt(rounds, perCore, 1)), taken: 'median', digits: 0 },
  ];
  const comparison = { names: ['pg_waldump', 'walvault'], metrics, oppositions: [opposition], rounds };
  return [formatComparison(comparison), '', ...targets.map(formatTarget)].join('\n');
}
