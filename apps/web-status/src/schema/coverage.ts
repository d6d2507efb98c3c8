/** What the archive covers: `/coverage`, `/timelines` and `/holes` of a server. */
import { z } from 'zod';
import { bytes, count, lsn, reportedError, sampled, segmentName, time, timelineId } from './scalars.ts';

/** Segments in a row that are missing. */
const missingRange = z
  .object({ first: segmentName, last: segmentName, count, fromLsn: lsn, toLsn: lsn })
  .meta({ id: 'MissingRange' });

/** Segments in a row that are there. Times are of commits in them, by the catalogue. */
const presentRange = z
  .object({
    first: segmentName,
    last: segmentName,
    count,
    fromLsn: lsn,
    toLsn: lsn,
    firstCommitTime: time.nullable(),
    lastCommitTime: time.nullable(),
  })
  .meta({ id: 'PresentRange' });

const badSegment = z
  .object({
    name: segmentName,
    timelineId,
    lsn: lsn.nullable(),
    detail: z.string().nullable(),
    checkedAt: time,
  })
  .meta({ id: 'BadSegment' });

const archivedDay = z
  .object({
    /** In UTC: `2026-07-01`. */
    day: z.string(),
    segments: count,
    walBytes: bytes,
    storedBytes: bytes,
    commits: count,
  })
  .meta({ id: 'ArchivedDay' });

const coveredTimeline = z
  .object({
    timelineId,
    ranges: z.array(presentRange),
    missing: z.array(missingRange),
    partials: z.array(z.string()),
    /** Complete segments that wait to be archived. */
    waiting: count,
  })
  .meta({ id: 'CoveredTimeline' });

/** `/coverage`: at most 2,000 ranges a timeline, the newest. */
export const coverage = sampled
  .extend({
    walSegmentSize: bytes.nullable(),
    segments: count.nullable(),
    timelines: z.array(coveredTimeline).nullable(),
    badSegments: z.array(badSegment).nullable(),
    /** The latest first, 400 at most. */
    days: z.array(archivedDay).nullable(),
    /** Segments that the catalogue does not know; `walvault rebuild-catalog` makes them known. */
    unknownSegments: count.nullable(),
    catalogError: reportedError.nullable(),
    /** Older ranges were left out. */
    isCut: z.boolean(),
  })
  .meta({ id: 'Coverage' });

const timeline = z
  .object({
    timelineId,
    /** Null for the first one, and when no history file tells. */
    parentId: timelineId.nullable(),
    /** Where it left its parent. */
    switchLsn: lsn.nullable(),
    first: segmentName.nullable(),
    last: segmentName.nullable(),
    segments: count,
    holes: count,
    walBytes: bytes.nullable(),
    storedBytes: bytes.nullable(),
    commits: count.nullable(),
    firstCommitTime: time.nullable(),
    lastCommitTime: time.nullable(),
    /** The one that is being received. */
    isCurrent: z.boolean(),
  })
  .meta({ id: 'Timeline' });

/** `/timelines`: in order of their numbers. */
export const timelineTree = sampled.extend({ timelines: z.array(timeline).nullable() }).meta({ id: 'TimelineTree' });

const recordedHole = z
  .object({
    timelineId,
    fromLsn: lsn,
    toTimelineId: timelineId.nullable(),
    toLsn: lsn.nullable(),
    /** On one timeline, and with an end. */
    bytes: bytes.nullable(),
    reason: z.enum(['walRemoved', 'slotLost', 'slotMissing', 'slotDropped']),
    foundAt: time,
    /** Null while streaming stands at it. */
    resolvedBy: z.enum(['continued', 'reset', 'filled', 'healed']).nullable(),
    resolvedAt: time.nullable(),
  })
  .meta({ id: 'RecordedHole' });

/** `/holes`: what is on record, and what is missing among the segments of the archive. One hole may be among both. */
export const holeList = sampled
  .extend({
    recorded: z.array(recordedHole).nullable(),
    missing: z.array(missingRange.extend({ timelineId })).nullable(),
  })
  .meta({ id: 'HoleList' });

export type Coverage = z.infer<typeof coverage>;
export type CoveredTimeline = z.infer<typeof coveredTimeline>;
export type MissingRange = z.infer<typeof missingRange>;
export type PresentRange = z.infer<typeof presentRange>;
export type TimelineTree = z.infer<typeof timelineTree>;
export type HoleList = z.infer<typeof holeList>;
