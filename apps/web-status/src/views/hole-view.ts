/** The holes in the WAL of a server: `/holes`. */
import { isReportedError, type RecordedHole } from '@walvault/core/observing';
import { lsnDistance, parseLsn } from '@walvault/wal';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import type { HoleList } from '../schema/coverage.ts';
import { missingRangeView } from './missing-range-view.ts';
import { sampledAt } from './observation-views.ts';

/** See {@link HoleList}. */
export function holesView({ server, live, inspection }: ServerSnapshot, nowMs: number): HoleList {
  const about = sampledAt(server.name, live, nowMs);
  const recorded = live?.value.receiver.holes;
  const listing = inspection?.value.facts?.files.archive;
  const trouble = [recorded, listing].find((part) => part !== undefined && isReportedError(part));
  const reason = trouble !== undefined && isReportedError(trouble) ? trouble.message : about.reason;
  const isKnown = listing !== undefined && !isReportedError(listing);
  const size = isKnown ? listing.walSegmentSize : undefined;
  const missing = !isKnown
    ? null
    : listing.timelines.flatMap(({ timelineId, holes }) =>
        size === undefined ? [] : holes.map((hole) => ({ timelineId, ...missingRangeView(hole, size) })),
      );
  return {
    ...about,
    reason,
    recorded: recorded === undefined || isReportedError(recorded) ? null : recorded.map(recordedView),
    missing,
  };
}

function recordedView(hole: RecordedHole): NonNullable<HoleList['recorded']>[number] {
  const { timelineId, fromLsn, toTimelineId, toLsn, reason, foundAt, resolvedBy, resolvedAt } = hole;
  const isMeasured = toLsn !== null && toTimelineId === timelineId;
  const bytes = isMeasured ? Math.max(0, lsnDistance(parseLsn(fromLsn), parseLsn(toLsn))) : null;
  return { timelineId, fromLsn, toTimelineId, toLsn, bytes, reason, foundAt, resolvedBy, resolvedAt };
}
