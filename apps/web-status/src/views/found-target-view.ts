/** A recovery target by what the catalogue knows: `/find-target`. */
import type { FoundServerTarget, LocatedTarget } from '@walvault/core/surveying';
import { isReportedError } from '@walvault/core/observing';
import { formatLsn, type Lsn } from '@walvault/wal';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import type { FoundTarget } from '../schema/find-target.ts';
import { isoOfMicros } from './iso-of-micros.ts';
import { spanOfSegment } from './missing-range-view.ts';
import { sampledAt } from './observation-views.ts';

const reasons: Readonly<Record<LocatedTarget['finding'], string | null>> = {
  found: null,
  before: 'it lies before all WAL that is there',
  beyond: 'it lies behind all WAL that is there',
  absent: 'nothing of it is in the WAL that is there',
  hole: 'it lies in WAL that is missing',
  unknown:
    'it may lie in WAL that the catalogue does not know, or that is being received: walvault find-target reads that as well',
};

/** See {@link FoundTarget}. @param found undefined when there is no WAL at all, or nothing was looked at yet */
export function foundTargetView(snapshot: ServerSnapshot, found: FoundServerTarget | undefined, nowMs: number): FoundTarget {
  const about = sampledAt(snapshot.server.name, snapshot.archive, nowMs);
  const archive = snapshot.archive?.value;
  const size = archive === undefined || isReportedError(archive) ? undefined : archive.listing.walSegmentSize;
  if (found === undefined) {
    const trouble = archive !== undefined && isReportedError(archive) ? archive.message : undefined;
    return {
      ...about,
      ...nothing,
      reason: trouble ?? about.reason ?? 'there is no WAL of this server',
      found: trouble === undefined ? 'no' : 'unknown',
    };
  }
  const { located, reachability, settings } = found;
  return {
    ...about,
    reason: reasons[located.finding],
    found: located.finding === 'found' ? 'yes' : located.finding === 'unknown' ? 'unknown' : 'no',
    place: placeView(snapshot, located, size),
    ...reachabilityView(reachability),
    settings:
      settings === undefined
        ? null
        : { file: settings.file, signalFile: settings.signalFile ?? null, lines: [...settings.lines] },
    reach: reachView(located.reach),
    unknownSegments: located.unknownSegments,
    walSegmentSize: size ?? null,
    warnings: warningsOf(snapshot, found),
  };
}

const nothing: Omit<FoundTarget, 'server' | 'sampledAt' | 'ageMs' | 'reason' | 'found'> = {
  place: null,
  reachability: null,
  backup: null,
  holes: [],
  damaged: [],
  wholeFrom: null,
  settings: null,
  reach: null,
  unknownSegments: null,
  walSegmentSize: null,
  warnings: [],
};

function placeView(
  { index }: ServerSnapshot,
  { place, isExact }: LocatedTarget,
  size: Parameters<typeof spanOfSegment>[1] | undefined,
): FoundTarget['place'] {
  if (place === undefined || size === undefined) return null;
  const { segmentName, timelineId, chainTimelineId, isInPartial, lsn } = place;
  const spans = index?.timelines.flatMap(({ spans }) => spans) ?? [];
  const span = spans.find(({ first, last }) => first <= segmentName && segmentName <= last);
  return {
    segment: segmentName,
    timelineId,
    targetTimelineId: chainTimelineId,
    isPartial: isInPartial,
    lsn: isExact ? formatLsn(lsn) : null,
    ...(spanOfSegment(segmentName, size) ?? { fromLsn: formatLsn(lsn), toLsn: formatLsn(lsn) }),
    firstCommitTime: isoOfMicros(span?.firstCommitTime),
    lastCommitTime: isoOfMicros(span?.lastCommitTime),
  };
}

function reachabilityView(
  reachability: FoundServerTarget['reachability'],
): Pick<FoundTarget, 'reachability' | 'backup' | 'holes' | 'damaged' | 'wholeFrom'> {
  if (reachability === undefined) return { reachability: null, backup: null, holes: [], damaged: [], wholeFrom: null };
  const { verdict, backup, holes, faulty, wholeFrom } = reachability;
  const broken = holes.length > 0 ? 'hole' : 'damaged';
  return {
    reachability: verdict === 'reachable' ? 'reachable' : verdict === 'broken' ? broken : 'noBackup',
    backup:
      backup === undefined
        ? null
        : {
            id: backup.id,
            endLsn: formatLsn(backup.end.lsn),
            endTime: isoOfMicros(backup.end.time),
            timelineId: backup.begin.timelineId,
          },
    holes: holes.map(({ first, last, count }) => ({ first, last, count })),
    damaged: [...faulty],
    wholeFrom: wholeFrom ?? null,
  };
}

function reachView({
  timelineId,
  first,
  last,
  endLsn,
  firstCommitTime,
  lastCommitTime,
}: LocatedTarget['reach']): FoundTarget['reach'] {
  return {
    timelineId,
    first: first ?? null,
    last: last ?? null,
    endLsn: lsnOrNull(endLsn),
    firstCommitTime: isoOfMicros(firstCommitTime),
    lastCommitTime: isoOfMicros(lastCommitTime),
  };
}

function warningsOf({ server }: ServerSnapshot, { located, settings, reachability }: FoundServerTarget): string[] {
  return [
    ...(located.unknownSegments > 0
      ? [
          `the catalogue does not know ${located.unknownSegments} segments on the way; walvault rebuild-catalog ${server.name} makes them known`,
        ]
      : []),
    ...(located.place !== undefined && !located.isExact
      ? ['the record at which recovery stops was not looked for; walvault find-target does that']
      : []),
    ...(reachability?.verdict === 'unknown'
      ? ['no base backup is known here; recovery needs one that ends before the target']
      : []),
    ...(settings === undefined
      ? []
      : [`walvault print-restore-command ${server.name} prints the restore_command with the paths of its machine`]),
  ];
}

function lsnOrNull(lsn: Lsn | undefined): string | null {
  return lsn === undefined ? null : formatLsn(lsn);
}
