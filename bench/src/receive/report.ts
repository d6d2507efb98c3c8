/** The measurements of `bench receive` as text, and what they should be. MB are 10^6 bytes. */
import type { FlushPolicy } from '../common-options.ts';
import { formatComparison, type Metric, type Opposition, ratioSpread, valuesAt } from '../comparison.ts';
import type { Rounds } from '../rounds.ts';
import { formatTarget, type Target } from '../target.ts';
import type { TimedRun } from './timed-run.ts';

/** Everything that was measured with one flush policy. */
export interface Series {
  readonly flush: FlushPolicy;
  /** Volume of one run, in bytes. */
  readonly bytes: number;
  /** Whether it was received to a disk and not to memory. */
  readonly isOnDisk: boolean;
  /** The runs of walvault in a round, which stand behind the one of pg_receivewal. */
  readonly ours: readonly Side[];
  readonly rounds: Rounds<TimedRun>;
}

/** Walvault with or without checks. */
export type Side = 'checked' | 'unchecked';

const names = { checked: 'walvault', unchecked: 'walvault unchecked' } as const;

const titles: Readonly<Record<FlushPolicy, string>> = {
  segment: 'flush at the end of each segment: pg_receivewal, walvault with flush = segment',
  continuous: 'flush all the time: pg_receivewal --synchronous, walvault with flush = continuous',
};

const wall: Metric<TimedRun> = { title: 'wall s', digits: 2, value: (run) => run.wallSeconds };
const peak: Metric<TimedRun> = { title: 'peak MB', digits: 0, value: (run) => run.peakBytes / 1e6 };

/** Greatest wall time as a share of that of pg_receivewal: where the disk bounds it, and where the processor does. */
const wallTargets = { disk: { checked: 0.77, unchecked: 0.77 }, memory: { checked: 1.2, unchecked: 1 } } as const;
/** Greatest wall time with checks as a share of that without, on a disk: a tenth of the throughput. */
const checkTarget = 1 / 0.9;
const peakTargetMb = 120;

/** Each round, then the medians with the least and the greatest value, then whether the targets are met. */
export function formatSeries(series: Series): string {
  const { flush, bytes, ours, rounds } = series;
  const rate: Metric<TimedRun> = { title: 'MB/s', digits: 0, value: (run) => bytes / 1e6 / run.wallSeconds };
  const start: Metric<TimedRun> = { title: 'start s', digits: 2, value: (run) => run.startSeconds };
  const cpu: Metric<TimedRun> = { title: 'CPU s', digits: 2, value: (run) => run.cpuSeconds };
  const comparison = {
    names: ['pg_receivewal', ...ours.map((side) => names[side])],
    metrics: [wall, rate, start, cpu, peak],
    oppositions: oppositionsOf(ours),
    rounds,
  };
  return [titles[flush], '', formatComparison(comparison), '', ...targetsOf(series).map(formatTarget)].join('\n');
}

function oppositionsOf(ours: readonly Side[]): readonly Opposition[] {
  const toPeer = ours.map((side, index) => ({
    title: side === 'checked' ? 'ratio' : 'ratio unchecked',
    ours: index + 1,
    reference: 0,
  }));
  return ours.length < 2 ? toPeer : [...toPeer, { title: 'cost of checks', ours: 1, reference: 2 }];
}

function targetsOf({ ours, rounds, isOnDisk }: Series): readonly Target[] {
  const walls = ours.map((side, index) => {
    const value = ratioSpread(rounds, wall, { title: '', ours: index + 1, reference: 0 })?.median;
    const atMost = wallTargets[isOnDisk ? 'disk' : 'memory'][side];
    return { what: `wall ratio ${side}`, bound: { atMost }, value, taken: 'median', digits: 2 };
  });
  const costs = isOnDisk && ours.length === 2 ? [costTarget(rounds)] : [];
  const peaks = ours.flatMap((_, index) => valuesAt(rounds, peak, index + 1));
  const memory = { what: 'peak MB', bound: { atMost: peakTargetMb }, value: Math.max(...peaks), taken: 'greatest', digits: 0 };
  return [...walls, ...costs, memory];
}

function costTarget(rounds: Rounds<TimedRun>): Target {
  const value = ratioSpread(rounds, wall, { title: '', ours: 1, reference: 2 })?.median;
  return { what: 'cost of checks, wall', bound: { atMost: checkTarget }, value, taken: 'median', digits: 2 };
}
