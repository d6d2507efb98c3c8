/** Named restore points: `/restore-points`. */
import { isReportedError } from '@walvault/core/observing';
import { formatLsn } from '@walvault/wal';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import type { RestorePointList } from '../schema/find-target.ts';
import { isoOfMicros } from './iso-of-micros.ts';
import { sampledAt } from './observation-views.ts';

/** So many are told at most, the latest. */
const most = 1000;

/** See {@link RestorePointList}. */
export function restorePointsView({ server, archive, index }: ServerSnapshot, nowMs: number): RestorePointList {
  const about = sampledAt(server.name, archive, nowMs);
  if (archive === undefined) return { ...about, restorePoints: null, unknownSegments: null, isCut: false };
  const { value } = archive;
  if (isReportedError(value))
    return { ...about, reason: value.message, restorePoints: null, unknownSegments: null, isCut: false };
  const points = index?.restorePoints ?? [];
  return {
    ...about,
    reason: isReportedError(value.catalog) ? value.catalog.message : null,
    restorePoints: !isReportedError(value.catalog)
      ? points.slice(-most).map(({ name, time, lsn, endLsn, timelineId }) => ({
          name,
          time: isoOfMicros(time) ?? new Date(0).toISOString(),
          lsn: formatLsn(lsn),
          endLsn: formatLsn(endLsn),
          timelineId,
        }))
      : null,
    unknownSegments: isReportedError(value.catalog) ? null : value.catalog.unknownSegments,
    isCut: points.length > most,
  };
}
