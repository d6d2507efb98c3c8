/** What the archive covers: `/coverage`. */
import type { CatalogSurvey, SegmentSpan, SurveyedTimeline, TimelineSpans } from '@walvault/core/surveying';
import { isReportedError, type ReportedError } from '@walvault/core/observing';
import { tryParseWalFileName, type WalSegmentSize } from '@walvault/wal';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { errorOf } from '../collector/summarize.ts';
import type { Coverage, CoveredTimeline, PresentRange } from '../schema/coverage.ts';
import { isoOfMicros } from './iso-of-micros.ts';
import { missingRangeView, spanOfSegment } from './missing-range-view.ts';
import { sampledAt } from './observation-views.ts';

/** So many ranges, and so many missing ones, of a timeline are told at most, the newest. */
const mostRanges = 2000;
/** So many bad segments are named at most. */
const mostBad = 1000;

type Unknown = Omit<Coverage, 'server' | 'sampledAt' | 'ageMs' | 'reason'>;

const unknown: Unknown = {
  walSegmentSize: null,
  segments: null,
  timelines: null,
  badSegments: null,
  days: null,
  unknownSegments: null,
  catalogError: null,
  isCut: false,
};

/** See {@link Coverage}. */
export function coverageView({ server, archive, index }: ServerSnapshot, nowMs: number): Coverage {
  const about = sampledAt(server.name, archive, nowMs);
  if (archive === undefined) return { ...about, ...unknown };
  if (isReportedError(archive.value)) return { ...about, ...unknown, reason: archive.value.message };
  const { listing, timelines, catalog } = archive.value;
  const size = listing.walSegmentSize;
  const covered = size === undefined ? [] : timelines.map((timeline) => timelineView(timeline, index?.timelines, size));
  return {
    ...about,
    walSegmentSize: size ?? null,
    segments: listing.timelines.reduce((sum, { count }) => sum + count, 0),
    timelines: covered,
    ...catalogView(catalog, size),
    isCut: covered.some(({ ranges, missing }) => ranges.length === mostRanges || missing.length === mostRanges),
  };
}

function timelineView(
  { timelineId, holes, partials, waiting }: SurveyedTimeline,
  all: readonly TimelineSpans[] | undefined,
  size: WalSegmentSize,
): CoveredTimeline {
  const spans = all?.find((one) => one.timelineId === timelineId)?.spans ?? [];
  return {
    timelineId,
    ranges: spans.slice(-mostRanges).map((span) => rangeView(span, size)),
    missing: holes.slice(-mostRanges).map((hole) => missingRangeView(hole, size)),
    partials: [...partials],
    waiting,
  };
}

function rangeView(span: SegmentSpan, size: WalSegmentSize): PresentRange {
  return {
    ...missingRangeView(span, size),
    firstCommitTime: isoOfMicros(span.firstCommitTime),
    lastCommitTime: isoOfMicros(span.lastCommitTime),
  };
}

function catalogView(
  catalog: CatalogSurvey | ReportedError,
  size: WalSegmentSize | undefined,
): Pick<Coverage, 'badSegments' | 'days' | 'unknownSegments' | 'catalogError'> {
  if (isReportedError(catalog)) {
    return { badSegments: null, days: null, unknownSegments: null, catalogError: errorOf(catalog) };
  }
  const bad = catalog.badChecks.filter(({ verdict }) => verdict === 'bad').slice(-mostBad);
  return {
    badSegments: bad.map(({ name, detail, checkedAt }) => ({
      name,
      timelineId: tryParseWalFileName(name)?.timelineId ?? 1,
      lsn: size === undefined ? null : (spanOfSegment(name, size)?.fromLsn ?? null),
      detail: detail ?? null,
      checkedAt: new Date(checkedAt).toISOString(),
    })),
    days: catalog.days.map(({ day, segments, walBytes, storedBytes, commits }) => ({
      day,
      segments,
      walBytes,
      storedBytes,
      commits,
    })),
    unknownSegments: catalog.unknownSegments,
    catalogError: null,
  };
}
