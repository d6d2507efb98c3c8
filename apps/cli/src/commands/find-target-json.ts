/** What `find-target` says to programs: LSNs as PostgreSQL writes them, times as `2026-07-01 10:00:00.5+00`, null for what is not there. */
import type { FoundRestorePoint, Reachability, ServerTarget, TargetPlace, WalReach } from '@walvault/core';
import { formatLsn, formatTimestamp, type Lsn, type WalEvent } from '@walvault/wal';

/** The result of a search. */
export function targetJson(target: ServerTarget, warnings: readonly string[]) {
  const { found, reachability, settings } = target;
  return {
    found: found.place !== undefined,
    finding: found.finding.kind,
    place: found.place === undefined ? null : placeJson(found.place),
    others: found.others.map(placeJson),
    reachability: reachability === undefined ? null : reachabilityJson(reachability),
    settings:
      settings === undefined
        ? null
        : { file: settings.file, signal_file: settings.signalFile ?? null, lines: [...settings.lines] },
    reach: reachJson(found.reach),
    segments_read: target.segmentsRead,
    warnings: [...warnings],
  };
}

/** A restore point. */
export function restorePointJson({ name, time, lsn, endLsn, timelineId }: FoundRestorePoint) {
  return { name, time: formatTimestamp(time), lsn: formatLsn(lsn), end_lsn: formatLsn(endLsn), timeline: timelineId };
}

function placeJson(place: TargetPlace) {
  return {
    timeline: place.timelineId,
    target_timeline: place.chainTimelineId,
    segment: place.segmentName,
    is_partial: place.isInPartial,
    lsn: formatLsn(place.lsn),
    end_lsn: formatLsn(place.endLsn),
    is_replayed: place.isReplayed,
    record: place.event === undefined ? null : eventJson(place.event),
    last_commit: place.lastCommit === undefined ? null : eventJson(place.lastCommit),
  };
}

function eventJson({ kind, xid, time, name, lsn, endLsn }: WalEvent) {
  return { kind, xid, time: timeOrNull(time), name: name ?? null, lsn: formatLsn(lsn), end_lsn: formatLsn(endLsn) };
}

function reachabilityJson({ verdict, backup, holes, faulty, wholeFrom }: Reachability) {
  return {
    verdict,
    backup:
      backup === undefined
        ? null
        : {
            id: backup.id,
            end_lsn: formatLsn(backup.end.lsn),
            end_time: timeOrNull(backup.end.time),
            timeline: backup.begin.timelineId,
          },
    holes: holes.map(({ first, last, count }) => ({ first, last, count })),
    faulty: [...faulty],
    whole_from: wholeFrom ?? null,
  };
}

function reachJson({ timelineId, first, last, endLsn, firstCommitTime, lastCommitTime, partial }: WalReach) {
  return {
    timeline: timelineId,
    first: first ?? null,
    last: last ?? null,
    end_lsn: lsnOrNull(endLsn),
    first_commit_time: timeOrNull(firstCommitTime),
    last_commit_time: timeOrNull(lastCommitTime),
    partial:
      partial === undefined
        ? null
        : {
            name: partial.name,
            verified_lsn: formatLsn(partial.verifiedLsn),
            last_commit_time: timeOrNull(partial.lastCommitTime),
          },
  };
}

function timeOrNull(time: bigint | undefined): string | null {
  return time === undefined ? null : formatTimestamp(time);
}

function lsnOrNull(lsn: Lsn | undefined): string | null {
  return lsn === undefined ? null : formatLsn(lsn);
}
