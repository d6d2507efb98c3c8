/** `GET /api/v1/servers/{name}/events`: what has happened, the latest first. */
import { z } from 'zod';
import { count, lsn, time, timelineId } from './scalars.ts';

/** What kind of thing has happened. */
export const eventKind = z
  .enum([
    'receiverStarted',
    'receiverStopped',
    'receiverFailed',
    'receiverDied',
    'reconnect',
    'caughtUp',
    'error',
    'timelineSwitch',
    'divergence',
    'holeFound',
    'holeResolved',
    'healed',
    'segmentBad',
    'slotLevel',
    'serverUnreachable',
    'serverReachable',
    'checkFailed',
    'checkPassed',
    'verified',
  ])
  .meta({ id: 'EventKind' });

/** One event. */
export const statusEvent = z
  .object({
    /** Grows with each event of this installation. */
    id: count,
    server: z.string(),
    at: time,
    kind: eventKind,
    severity: z.enum(['good', 'info', 'warning', 'danger']),
    message: z.string(),
    code: z.string().nullable(),
    hint: z.string().nullable(),
    lsn: lsn.nullable(),
    timelineId: timelineId.nullable(),
  })
  .meta({ id: 'StatusEvent' });

/** `?before=` takes the id of the last one for the page behind it. */
export const eventList = z
  .object({
    server: z.string(),
    events: z.array(statusEvent),
    /** There are older ones. */
    hasMore: z.boolean(),
  })
  .meta({ id: 'EventList' });

/** What may be asked. */
export const eventQuery = z.strictObject({
  before: z.coerce
    .number()
    .int()
    .positive()
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'Only events that come behind the one with this id.' }),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export type EventKind = z.infer<typeof eventKind>;
export type StatusEvent = z.infer<typeof statusEvent>;
export type EventList = z.infer<typeof eventList>;
