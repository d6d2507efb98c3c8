/** Recovery targets: `/restore-points` and `/find-target` of a server. Both answer from what the catalogue knows. */
import { z } from 'zod';
import { bytes, count, lsn, sampled, segmentName, time, timelineId } from './scalars.ts';

const restorePoint = z.object({ name: z.string(), time, lsn, endLsn: lsn, timelineId }).meta({ id: 'RestorePoint' });

/** `/restore-points`: in order of LSN, at most the 1,000 latest. */
export const restorePointList = sampled
  .extend({
    restorePoints: z.array(restorePoint).nullable(),
    /** Segments that the catalogue does not know, in which there may be more. */
    unknownSegments: count.nullable(),
    isCut: z.boolean(),
  })
  .meta({ id: 'RestorePointList' });

/** What may be asked: one of `time`, `lsn`, `name` and `xid`. */
export const findTargetQuery = z.strictObject({
  time: z.iso.datetime({ offset: true }).optional().meta({ description: 'ISO 8601 with a time zone.' }),
  lsn: z
    .string()
    .regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/, 'an LSN looks like 0/3000148')
    .optional(),
  name: z.string().min(1).max(63).optional().meta({ description: 'Of a named restore point.' }),
  xid: z
    .string()
    .regex(/^\d{1,20}$/, 'a transaction id is a whole number')
    .optional(),
  timeline: z.coerce.number().int().min(1).max(0xffff_ffff).optional(),
});

const missing = z.object({ first: segmentName, last: segmentName, count }).meta({ id: 'MissingSegments' });

/** Up to where the WAL of a timeline goes. */
const reach = z
  .object({
    timelineId,
    first: segmentName.nullable(),
    last: segmentName.nullable(),
    endLsn: lsn.nullable(),
    firstCommitTime: time.nullable(),
    lastCommitTime: time.nullable(),
  })
  .meta({ id: 'WalReach' });

/** The segment that the target lies in; the record itself is not read for this. */
const place = z
  .object({
    segment: segmentName,
    timelineId,
    /** `recovery_target_timeline`. */
    targetTimelineId: timelineId,
    isPartial: z.boolean(),
    /** Where it is known to the byte: of an LSN, and of a restore point. */
    lsn: lsn.nullable(),
    fromLsn: lsn,
    toLsn: lsn,
    firstCommitTime: time.nullable(),
    lastCommitTime: time.nullable(),
  })
  .meta({ id: 'TargetPlace' });

const backup = z.object({ id: z.string(), endLsn: lsn, endTime: time.nullable(), timelineId }).meta({ id: 'BaseBackup' });

/** `/find-target`. `walvault find-target` says it to the record. */
export const foundTarget = sampled
  .extend({
    /** `unknown`: the catalogue does not know the segments in which it would be. */
    found: z.enum(['yes', 'no', 'unknown']),
    place: place.nullable(),
    /**
     * `reachable`: a base backup is there, and all WAL from it to the target; `noBackup`, `hole`, `damaged`: what stands in the way.
     * Null when the target was not found.
     */
    reachability: z.enum(['reachable', 'noBackup', 'hole', 'damaged']).nullable(),
    backup: backup.nullable(),
    holes: z.array(missing),
    damaged: z.array(segmentName),
    /** From this segment on all WAL up to the target is there. */
    wholeFrom: segmentName.nullable(),
    /** What to write; for PostgreSQL 12 and later into postgresql.auto.conf, with an empty file recovery.signal beside it. */
    settings: z.object({ file: z.string(), signalFile: z.string().nullable(), lines: z.array(z.string()) }).nullable(),
    reach: reach.nullable(),
    unknownSegments: count.nullable(),
    walSegmentSize: bytes.nullable(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'FoundTarget' });

export type RestorePointList = z.infer<typeof restorePointList>;
export type FindTargetQuery = z.infer<typeof findTargetQuery>;
export type FoundTarget = z.infer<typeof foundTarget>;
