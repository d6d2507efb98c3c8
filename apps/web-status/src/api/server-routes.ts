/** The routes about servers. They answer from the last samples. */
import type { FastifyInstance } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import { summarize } from '../collector/summarize.ts';
import type { ServerList } from '../schema/server-summary.ts';

/** The list of `/servers` as of now. */
export function listServers(collector: Collector, nowMs: number = Date.now()): ServerList {
  return { at: new Date(nowMs).toISOString(), servers: collector.snapshots.map((snapshot) => summarize(snapshot, nowMs)) };
}

/** Registers them. */
export function serverRoutes(app: FastifyInstance, collector: Collector): void {
  app.get('/servers', () => listServers(collector));
}
