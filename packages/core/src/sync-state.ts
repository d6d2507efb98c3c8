/**
 * Whether the server counts us among its synchronous standbys: `sync_state` in pg_stat_replication, asked for over an ordinary
 * connection now and then while we stream. For whoever watches; nothing hangs on it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '@walvault/config';
import type { Logger } from '@walvault/wal';
import { openSql } from './connections.ts';

/** As in pg_stat_replication. */
export type SyncState = 'async' | 'potential' | 'sync' | 'quorum';

/** What {@link watchSyncState} watches. */
export interface WatchSyncStateOptions {
  /** Process id of our walsender. */
  readonly backendPid: number;
  /** Ends the watching. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Called with what the server says; null when it cannot be known. */
  readonly onState: (state: SyncState | null) => void;
}

const firstLookMs = 1000;
const intervalMs = 60_000;
/** After a look that failed: a role that may not connect should not fill the log of the server. */
const failedIntervalMs = 600_000;
const query = 'SELECT sync_state FROM pg_catalog.pg_stat_replication WHERE pid = $1::pg_catalog.int4';

/** Looks until the signal is aborted. Without an ordinary connection in the configuration it does not look at all. Never rejects. */
export async function watchSyncState(server: ServerConfig, options: WatchSyncStateOptions): Promise<void> {
  const { signal, onState, log } = options;
  if (server.walConninfo === undefined) return;
  for (let waitMs = firstLookMs; await pause(waitMs, signal); ) {
    try {
      onState(await ask(server, options));
      waitMs = intervalMs;
    } catch (error) {
      if (signal.aborted) return;
      waitMs = failedIntervalMs;
      onState(null);
      log.debug({ error: error instanceof Error ? error.message : String(error) }, 'could not ask for the sync state');
    }
  }
}

async function ask(server: ServerConfig, { signal, backendPid }: WatchSyncStateOptions): Promise<SyncState | null> {
  await using sql = await openSql(server, { signal });
  const [row] = await sql.query(query, [String(backendPid)]);
  // Null also where the role may not see it (pg_read_all_stats).
  return (row?.['sync_state'] as SyncState | null | undefined) ?? null;
}

/** Whether the time went by without an abort. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal, ref: false }).catch(() => false);
}
