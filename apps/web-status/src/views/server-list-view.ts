/** All servers, as `/servers` and the live stream show them. */
import type { Collector } from '../collector/collector.ts';
import { summarize } from '../collector/summarize.ts';
import type { ServerList } from '../schema/server-summary.ts';

/** See {@link ServerList}. */
export function listServers(collector: Collector, nowMs: number = Date.now()): ServerList {
  return { at: new Date(nowMs).toISOString(), servers: collector.snapshots.map((snapshot) => summarize(snapshot, nowMs)) };
}
