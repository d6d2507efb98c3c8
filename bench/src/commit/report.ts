/** The measurements of `bench commit` as text, and what they should be. */
import { formatComparison, type Metric, ratioSpread } from '../comparison.ts';
import type { Rounds } from '../rounds.ts';
import { formatTarget } from '../target.ts';

/** What clients saw in one run. */
export interface CommitRun {
  readonly tps: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Processor time of the receiver for each commit. */
  readonly cpuMicroseconds: number;
}

/** All runs with a number of clients. */
export interface CommitSeries {
  readonly clients: number;
  /** Without a standby, once. */
  readonly alone: Omit<CommitRun, 'cpuMicroseconds'>;
  /** pg_receivewal and walvault. */
  readonly rounds: Rounds<CommitRun>;
}

const tps: Metric<CommitRun> = { title: 'tps', digits: 0, value: (run) => run.tps };
const p99: Metric<CommitRun> = { title: 'p99 ms', digits: 2, value: (run) => run.p99Ms };
const metrics: readonly Metric<CommitRun>[] = [
  tps,
  { title: 'p50 ms', digits: 2, value: (run) => run.medianMs },
  p99,
  { title: 'max ms', digits: 1, value: (run) => run.maxMs },
  { title: 'CPU us', digits: 0, value: (run) => run.cpuMicroseconds },
];
const ratio = { title: 'ratio', ours: 1, reference: 0 };

/** Each round, the medians, and whether the targets are met. */
export function formatCommits({ clients, alone, rounds }: CommitSeries): string {
  const { tps: aloneTps, medianMs, p99Ms, maxMs } = alone;
  const local = `tps ${aloneTps.toFixed(0)}, p50 ${medianMs.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, max ${maxMs.toFixed(1)} ms`;
  const targets = [
    { what: 'tps ratio', bound: { atLeast: 1 }, value: ratioSpread(rounds, tps, ratio)?.median },
    { what: 'p99 ratio', bound: { atMost: 1 }, value: ratioSpread(rounds, p99, ratio)?.median },
  ];
  return [
    `${clients} ${clients === 1 ? 'client' : 'clients'} (without a standby: ${local})`,
    '',
    formatComparison({ names: ['pg_receivewal', 'walvault'], metrics, oppositions: [ratio], rounds }),
    '',
    ...targets.map((target) => formatTarget({ ...target, taken: 'median', digits: 2 })),
  ].join('\n');
}
