/** The measurements of `bench archive` as text, and what they should be. MB are 10^6 bytes. */
import { formatComparison, type Metric, type Opposition, ratioSpread } from '../comparison.ts';
import type { Rounds } from '../rounds.ts';
import { formatTarget, type Target } from '../target.ts';
import type { ArchiveRun } from './archive-run.ts';
import type { Codec } from './archivers.ts';

/** Everything that was measured. */
export interface ArchiveSeries {
  /** Volume of one run before compression, in bytes. */
  readonly bytes: number;
  /** What walvault compressed with, in the order of its runs in a round, which stand behind the one of Barman. */
  readonly codecs: readonly Codec[];
  readonly rounds: Rounds<ArchiveRun>;
}

const wall: Metric<ArchiveRun> = { title: 'wall s', digits: 2, value: (run) => run.wallSeconds };
const stored: Metric<ArchiveRun> = { title: 'archived MB', digits: 1, value: (run) => run.storedBytes / 1e6 };

/** Greatest wall time as a share of that of Barman with gzip: five times as fast, eight times as fast. */
const wallTargets: Partial<Readonly<Record<Codec, number>>> = { gzip: 1 / 5, zstd: 1 / 8 };

/** Each round, then the medians with the least and the greatest value, then whether the targets are met. */
export function formatArchiveSeries(series: ArchiveSeries): string {
  const { bytes, codecs, rounds } = series;
  const rate: Metric<ArchiveRun> = { title: 'MB/s', digits: 0, value: (run) => bytes / 1e6 / run.wallSeconds };
  const cpu: Metric<ArchiveRun> = { title: 'CPU s', digits: 2, value: (run) => run.cpuSeconds };
  const comparison = {
    names: ['barman gzip', ...codecs.map((codec) => `walvault ${codec}`)],
    metrics: [wall, rate, cpu, stored],
    oppositions: codecs.map(opposition),
    rounds,
  };
  const targets = codecs.flatMap((codec, index) => targetsOf(rounds, codec, index));
  return [formatComparison(comparison), '', ...targets.map(formatTarget)].join('\n');
}

function opposition(codec: Codec, index: number): Opposition {
  return { title: `ratio ${codec}`, ours: index + 1, reference: 0 };
}

function targetsOf(rounds: Rounds<ArchiveRun>, codec: Codec, index: number): readonly Target[] {
  const atMost = wallTargets[codec];
  const ratio = (metric: Metric<ArchiveRun>) => ratioSpread(rounds, metric, opposition(codec, index))?.median;
  const taken = 'median';
  const time = { what: `wall ratio ${codec}`, bound: { atMost: atMost ?? 1 }, value: ratio(wall), taken, digits: 3 };
  const size = { what: `archived bytes ratio ${codec}`, bound: { atMost: 1 }, value: ratio(stored), taken, digits: 3 };
  if (atMost === undefined) return [];
  return codec === 'zstd' ? [time, size] : [time];
}
