/**
 * `GET /api/v1/live`, server-sent events. `servers` comes first, and again when servers come or go or a client was too slow for the
 * changes; `server` when something of one has changed; `heartbeat` every five seconds, so that silence means a lost connection.
 */
import { z } from 'zod';
import { time } from './scalars.ts';
import { serverList, serverSummary } from './server-summary.ts';

/** The data of each event by its name. */
export const liveEvents = {
  servers: serverList,
  server: serverSummary,
  heartbeat: z.object({ at: time }).meta({ id: 'Heartbeat' }),
} as const;

/** How often a heartbeat comes, in milliseconds. */
export const heartbeatMs = 5000;

/** So many clients may listen at the same time; the next one is refused. */
export const mostLiveClients = 500;
