/** What `show-wal` says to programs: bytes and counts as numbers, LSNs as PostgreSQL writes them, null for what is not there. */
import {
  type ArchiveSurvey,
  CatalogError,
  type CatalogSurvey,
  type RecordStatistics,
  type SegmentView,
  type SurveyedTimeline,
} from '@walvault/core';
import { formatLsn, formatTimestamp, type Lsn, recordTypeName, rmgrName } from '@walvault/wal';

/** The whole archive. */
export function surveyJson({ listing, timelines, catalog }: ArchiveSurvey) {
  return {
    wal_segment_size: listing.walSegmentSize ?? null,
    timelines: timelines.map(timelineJson),
    impossible_names: [...listing.impossibleNames],
    catalog: catalog instanceof CatalogError ? null : catalogJson(catalog),
    catalog_error: catalog instanceof CatalogError ? { code: catalog.code, message: catalog.message } : null,
  };
}

function timelineJson({
  timelineId,
  parentId,
  beginLsn,
  first,
  last,
  count,
  waiting,
  holes,
  partials,
  totals,
}: SurveyedTimeline) {
  return {
    timeline: timelineId,
    parent: parentId ?? null,
    begin_lsn: lsnOrNull(beginLsn),
    first: first ?? null,
    last: last ?? null,
    segments: count,
    waiting,
    holes: holes.map((hole) => ({ first: hole.first, last: hole.last, count: hole.count })),
    partials: [...partials],
    known:
      totals === undefined
        ? null
        : {
            ...sizesJson(totals),
            good: totals.good,
            bad: totals.bad,
            linked: totals.linked,
            unlinked: totals.unlinked,
            commits: totals.commits,
            first_commit_time: timeOrNull(totals.firstCommitTime),
            last_commit_time: timeOrNull(totals.lastCommitTime),
          },
  };
}

function catalogJson(catalog: CatalogSurvey) {
  const { lastVerify } = catalog;
  return {
    days: catalog.days.map((day) => ({ day: day.day, ...sizesJson(day), commits: day.commits })),
    compressions: catalog.compressions.map((one) => ({ compression: one.compression ?? null, ...sizesJson(one) })),
    restore_points: catalog.restorePoints,
    last_verify:
      lastVerify === undefined
        ? null
        : {
            started_at: isoOf(lastVerify.startedAt),
            finished_at: lastVerify.finishedAt === undefined ? null : isoOf(lastVerify.finishedAt),
            good: lastVerify.good,
            bad: lastVerify.bad,
            holes: lastVerify.holes,
            unknown: lastVerify.unknown,
          },
    bad_checks: catalog.badChecks.map(({ name, verdict, detail, checkedAt }) => ({
      name,
      verdict,
      detail: detail ?? null,
      checked_at: isoOf(checkedAt),
    })),
    heals: catalog.heals.map(healJson),
    unknown_segments: catalog.unknownSegments,
    gone_segments: catalog.goneSegments,
  };
}

/** One segment. */
export function segmentJson({ entry, isFromCatalog, check, heals }: SegmentView) {
  const { facts, storedBytes, compression, modifiedAt, archivedAt } = entry;
  const { statistics, fault } = facts;
  return {
    name: facts.name,
    timeline: facts.timelineId,
    start_lsn: formatLsn(facts.startLsn),
    verified_lsn: formatLsn(facts.verifiedLsn),
    wal_segment_size: facts.walSegmentSize,
    system_identifier: String(facts.systemIdentifier),
    verdict: facts.verdict,
    fault: fault === undefined ? null : { kind: fault.kind, lsn: formatLsn(fault.lsn), problem: fault.problem },
    link: facts.link,
    sha256: facts.sha256,
    stored_bytes: storedBytes,
    compression: compression ?? null,
    modified_at: isoOf(modifiedAt * 1000),
    archived_at: isFromCatalog ? isoOf(archivedAt) : null,
    in_catalog: isFromCatalog,
    records: statistics.records,
    commits: statistics.commits,
    aborts: statistics.aborts,
    first_xid: statistics.firstXid ?? null,
    last_xid: statistics.lastXid ?? null,
    first_commit_time: timeOrNull(statistics.firstCommitTime),
    last_commit_time: timeOrNull(statistics.lastCommitTime),
    restore_points: statistics.restorePoints.map(({ name, time, lsn, endLsn }) => ({
      name,
      time: formatTimestamp(time),
      lsn: formatLsn(lsn),
      end_lsn: formatLsn(endLsn),
    })),
    check:
      check === undefined ? null : { checked_at: isoOf(check.checkedAt), verdict: check.verdict, detail: check.detail ?? null },
    heals: heals.map(healJson),
  };
}

/** Counts of records. */
export function statisticsJson({ timelineId, first, end, rmgrs, magic }: RecordStatistics) {
  return {
    timeline: timelineId,
    first_lsn: formatLsn(first),
    end_lsn: formatLsn(end),
    rmgrs: rmgrs.map(({ rmgr, info, count, recordBytes, fpiBytes }) => ({
      rmgr: rmgrName(rmgr),
      record: recordTypeName(rmgr, info, magic),
      count,
      record_bytes: recordBytes,
      fpi_bytes: fpiBytes,
    })),
  };
}

function healJson({ name, reason, source, healedAt, movedTo }: SegmentView['heals'][number]) {
  return { name, reason, source, healed_at: isoOf(healedAt), moved_to: movedTo ?? null };
}

function sizesJson({ segments, walBytes, storedBytes }: { segments: number; walBytes: number; storedBytes: number }) {
  return { segments, wal_bytes: walBytes, stored_bytes: storedBytes };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function timeOrNull(time: bigint | undefined): string | null {
  return time === undefined ? null : formatTimestamp(time);
}

function lsnOrNull(lsn: Lsn | undefined): string | null {
  return lsn === undefined ? null : formatLsn(lsn);
}
