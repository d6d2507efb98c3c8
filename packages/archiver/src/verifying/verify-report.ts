/** What a run of verify-wal has come to. */
import type { TimelineId, WalSegmentSize } from '@walvault/wal';
import type { VerifyFinding } from './finding.ts';
import type { PlannedSegment } from './verify-plan.ts';
import type { VerifyCounts } from './verify-totals.ts';

/** The segments of one timeline that were looked at. */
export interface VerifiedTimeline {
  readonly timelineId: TimelineId;
  readonly first: string;
  readonly last: string;
  readonly segments: number;
}

/** The result. */
export interface VerifyReport {
  /** Good: all is there and right. Bad: something is not. Unknown: nothing is known to be wrong, but not all is known to be right. */
  readonly verdict: 'good' | 'bad' | 'unknown';
  /** In order of timeline and position, what is missing among them. */
  readonly findings: readonly VerifyFinding[];
  /** How many segments, partial ones of the archive included, are good, bad, unknown; of those an earlier, interrupted run has found good. */
  readonly good: number;
  readonly bad: number;
  readonly unknown: number;
  readonly resumed: number;
  /** How many holes there are, and how many segments are missing in them. */
  readonly holes: number;
  readonly missingSegments: number;
  /** How many of the segments were not in the archive yet. */
  readonly waiting: number;
  /** How many history files were read. */
  readonly histories: number;
  readonly timelines: readonly VerifiedTimeline[];
  /** Of the complete segments that are good, or good but for their beginning; nothing with `quick`. */
  readonly counts: VerifyCounts;
  readonly walSegmentSize: WalSegmentSize;
  readonly systemIdentifier: bigint | undefined;
  /** Why the catalogue could not be used; without one at all there is none. */
  readonly catalogTrouble: Error | undefined;
}

/** The one word. */
export function verdictOf(findings: readonly VerifyFinding[]): VerifyReport['verdict'] {
  if (findings.some(({ verdict }) => verdict !== 'unknown')) return 'bad';
  return findings.length > 0 ? 'unknown' : 'good';
}

/** Findings as people read them: by timeline and position, histories first. */
export function inOrderOfName(findings: readonly VerifyFinding[]): readonly VerifyFinding[] {
  return findings.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** What was looked at, timeline by timeline. */
export function timelinesOf(segments: readonly PlannedSegment[]): readonly VerifiedTimeline[] {
  const timelines = new Map<TimelineId, VerifiedTimeline>();
  for (const { file } of segments) {
    const known = timelines.get(file.timelineId);
    const first = known?.first ?? file.name;
    timelines.set(file.timelineId, {
      timelineId: file.timelineId,
      first,
      last: file.name,
      segments: (known?.segments ?? 0) + 1,
    });
  }
  return [...timelines.values()];
}
