/** What the page knows at the moment. */
import type { ServerList, ServerSummary } from '../../src/schema/server-summary.ts';
import { Store } from './store.ts';

/** `lost`: nothing has come for too long, or the connection broke; what is shown is old. `refused`: who looks is not logged in, or no longer. */
export type Connection = 'connecting' | 'live' | 'lost' | 'refused';

/** All of it. */
export interface LiveState {
  readonly connection: Connection;
  /** Milliseconds since 1970 by the clock of this browser; undefined before the first word. */
  readonly heardAt: number | undefined;
  /** How far the clock of the server is ahead of that of this browser. */
  readonly clockAheadMs: number;
  /** By name; undefined before the first list. */
  readonly servers: ReadonlyMap<string, ServerSummary> | undefined;
  /** Why there is no connection. */
  readonly trouble: string | undefined;
}

/** The one that all components listen to. */
export const live = new Store<LiveState>({
  connection: 'connecting',
  heardAt: undefined,
  clockAheadMs: 0,
  servers: undefined,
  trouble: undefined,
});

/** Silence for so long means that the connection is lost: two heartbeats and a bit. */
export const silenceMs = 12_000;

/** What time it is on the server. */
export function serverNow(): number {
  return Date.now() + live.value.clockAheadMs;
}

/** Whether what is shown may be old. */
export function isStale(state: LiveState): boolean {
  return state.connection === 'lost' || state.connection === 'refused';
}

/** All servers anew. */
export function takeServers(list: ServerList): void {
  const servers = new Map(list.servers.map((server) => [server.name, server]));
  heard({ servers, clockAheadMs: Date.parse(list.at) - Date.now() });
}

/** Some of them. */
export function takeChanges(changes: readonly ServerSummary[]): void {
  const servers = new Map(live.value.servers);
  for (const server of changes) servers.set(server.name, server);
  heard({ servers });
}

/** A sign of life. */
export function takeHeartbeat({ at }: { readonly at: string }): void {
  heard({ clockAheadMs: Date.parse(at) - Date.now() });
}

/** The connection is gone, and why. */
export function loseConnection(trouble: string, connection: 'lost' | 'refused' = 'lost'): void {
  live.set({ ...live.value, connection, trouble });
}

function heard(change: Partial<LiveState>): void {
  live.set({ ...live.value, ...change, connection: 'live', heardAt: Date.now(), trouble: undefined });
}
