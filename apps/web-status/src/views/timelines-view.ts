/** The tree of timelines: `/timelines`. */
import type { SurveyedTimeline } from '@walvault/core/surveying';
import { isReportedError } from '@walvault/core/observing';
import { formatLsn } from '@walvault/wal';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import type { TimelineTree } from '../schema/coverage.ts';
import { isoOfMicros } from './iso-of-micros.ts';
import { sampledAt } from './observation-views.ts';

/** See {@link TimelineTree}. */
export function timelinesView({ server, live, archive }: ServerSnapshot, nowMs: number): TimelineTree {
  const about = sampledAt(server.name, archive, nowMs);
  if (archive === undefined) return { ...about, timelines: null };
  if (isReportedError(archive.value)) return { ...about, reason: archive.value.message, timelines: null };
  const current = live?.value.receiver.state?.timelineId ?? archive.value.timelines.at(-1)?.timelineId;
  return { ...about, timelines: archive.value.timelines.map((timeline) => timelineView(timeline, current)) };
}

function timelineView(
  { timelineId, parentId, beginLsn, first, last, count, holes, totals }: SurveyedTimeline,
  current: number | undefined,
): NonNullable<TimelineTree['timelines']>[number] {
  return {
    timelineId,
    parentId: parentId ?? null,
    switchLsn: parentId === undefined || beginLsn === undefined ? null : formatLsn(beginLsn),
    first: first ?? null,
    last: last ?? null,
    segments: count,
    holes: holes.length,
    walBytes: totals?.walBytes ?? null,
    storedBytes: totals?.storedBytes ?? null,
    commits: totals?.commits ?? null,
    firstCommitTime: isoOfMicros(totals?.firstCommitTime),
    lastCommitTime: isoOfMicros(totals?.lastCommitTime),
    isCurrent: timelineId === current,
  };
}
