/** The values that all answers are made of. Unknown is null, with a reason beside it, and never 0. */
import { z } from 'zod';

/** A place in the WAL as PostgreSQL writes it: `0/3000148`. Distances stand beside it as bytes; never compare LSNs as text. */
export const lsn = z
  .string()
  .regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/)
  .meta({
    id: 'Lsn',
    description: 'A place in the WAL as PostgreSQL writes it. Not to be compared as text.',
    example: '0/3000148',
  });

/** ISO 8601 in UTC: `2026-07-01T10:00:00.000Z`. */
export const time = z.iso.datetime().meta({ id: 'Time', description: 'ISO 8601 in UTC.' });

/** A size or a distance in bytes. */
export const bytes = z.number().nonnegative().meta({ id: 'Bytes' });

/** A period in seconds. */
export const seconds = z.number().nonnegative().meta({ id: 'Seconds' });

/** A period in milliseconds. */
export const milliseconds = z.number().nonnegative().meta({ id: 'Milliseconds' });

/** Number of a timeline, from 1. */
export const timelineId = z.number().int().positive().meta({ id: 'TimelineId' });

/** A count. */
export const count = z.number().int().nonnegative().meta({ id: 'Count' });

/** Name of a WAL segment: `00000001000000000000002A`. */
export const segmentName = z.string().meta({ id: 'SegmentName', example: '00000001000000000000002A' });

/** An error with its code, as `walvault explain CODE` knows it. */
export const reportedError = z
  .object({
    code: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
    at: time.nullable(),
  })
  .meta({ id: 'ReportedError', description: 'Trouble: a code that `walvault explain` knows, and what to do.' });

/** Says of which moment the rest of the answer is. */
export const sampled = z.object({
  server: z.string(),
  /** When that was looked at; null before the first look. */
  sampledAt: time.nullable(),
  ageMs: milliseconds.nullable(),
  /** Why something in it is not known. */
  reason: z.string().nullable(),
});
