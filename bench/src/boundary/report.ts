/** The measurements of `bench boundary` as text, and what they should be. */
import { percentile } from '../statistics.ts';
import { alignColumns } from '../table.ts';
import { formatTarget } from '../target.ts';
import type { Place, TimedCommit } from './committer.ts';

/** What one receiver did at the ends of segments of one size. */
export interface BoundaryRun {
  readonly name: string;
  readonly segmentSizeMb: number;
  /** How many it has completed. */
  readonly segments: number;
  readonly commits: readonly TimedCommit[];
  /** Flushes of the disk itself, between the commits. */
  readonly flushesMs: readonly number[];
}

/** How much longer than the disk's own worst flush a commit may take. */
const stallTargetMs = 100;
const places: readonly Place[] = ['inside', 'at the end', 'across', 'first behind'];
const shares = [0.5, 0.99, 0.999, 1];

/** Latencies by place, and the longest beyond that of the disk. */
export function formatBoundaryRun({ name, segmentSizeMb, segments, commits, flushesMs }: BoundaryRun): string {
  const rows = places.map((place) => latencyRow(`commit ${place}`, latenciesAt(commits, place)));
  const worst = Math.max(...commits.filter(({ place }) => place !== 'inside').map(({ latencyMs }) => latencyMs));
  const stall = {
    what: 'longest at an end beyond the longest flush, ms',
    bound: { atMost: stallTargetMs },
    value: worst - Math.max(...flushesMs),
    taken: 'greatest',
    digits: 1,
  };
  return [
    `${name}, ${segments} segments of ${segmentSizeMb} MiB`,
    '',
    alignColumns([['', 'count', 'p50', 'p99', 'p99.9', 'max'], ...rows, latencyRow('flush of the disk', flushesMs)]),
    '',
    formatTarget(stall),
  ].join('\n');
}

function latenciesAt(commits: readonly TimedCommit[], place: Place): readonly number[] {
  return commits.filter((commit) => commit.place === place).map(({ latencyMs }) => latencyMs);
}

function latencyRow(title: string, latenciesMs: readonly number[]): readonly string[] {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const values = shares.map((share) => (sorted.length === 0 ? '-' : percentile(sorted, share).toFixed(2)));
  return [title, String(sorted.length), ...values];
}
