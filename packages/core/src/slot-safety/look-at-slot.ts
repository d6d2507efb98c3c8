/** What is to be known of a slot to judge its safety, asked for with as little as possible: one row over SQL, or what a walsender tells. */
import type { ServerConfig } from '@walvault/config';
import { readSlot, type ReplicationSlot, slotFromRow, type SlotRow } from '@walvault/slots';
import { type Lsn, lsnDistance, parseLsn, type TimelineId, toTimelineId } from '@walvault/wal';
import { openSql, openStreaming } from '../connections.ts';

/** A slot, and where it stands in the WAL of its server. */
export interface ObservedRetention extends ReplicationSlot {
  /** WAL between its restart_lsn and the end of the server's WAL; undefined while it keeps nothing. */
  readonly retainedBytes: number | undefined;
  /** Timeline of the server. */
  readonly timelineId: TimelineId;
  /** Where the last checkpoint (of a standby: restartpoint) began. The server keeps WAL from there on anyway. Only SQL tells it. */
  readonly redoLsn: Lsn | undefined;
}

/** For PostgreSQL 10 and later, with any role. A standby ends where it has received to. */
const query = `
SELECT pg_catalog.to_jsonb(s) || pg_catalog.jsonb_build_object(
  'retained_bytes', pg_catalog.pg_wal_lsn_diff(
    CASE WHEN pg_catalog.pg_is_in_recovery()
      THEN GREATEST(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
      ELSE pg_catalog.pg_current_wal_lsn() END, s.restart_lsn),
  'redo_lsn', c.redo_lsn, 'timeline_id', c.timeline_id) AS slot
FROM pg_catalog.pg_replication_slots s, pg_catalog.pg_control_checkpoint() c WHERE s.slot_name = $1`;

type Row = SlotRow & { readonly retained_bytes: number | null; readonly redo_lsn: string; readonly timeline_id: number };

/**
 * Looks at the slot of a server; undefined when it is not there. Without an ordinary connection a walsender is asked, from
 * PostgreSQL 15 on, which does not tell what the server's own limit leaves.
 * @throws what connecting and asking throw
 */
export async function lookAtSlot(
  server: ServerConfig,
  slotName: string,
  signal: AbortSignal,
): Promise<ObservedRetention | undefined> {
  if (server.walConninfo === undefined) return askWalsender(server, slotName, signal);
  await using sql = await openSql(server, { signal });
  const [row] = await sql.query(query, [slotName]);
  const slot = JSON.parse(row?.['slot'] ?? 'null') as Row | null;
  if (slot === null) return undefined;
  const { retained_bytes: retained, redo_lsn: redo, timeline_id: timeline } = slot;
  return {
    ...slotFromRow(slot),
    retainedBytes: retained ?? undefined,
    redoLsn: parseLsn(redo),
    timelineId: toTimelineId(timeline),
  };
}

async function askWalsender(server: ServerConfig, slotName: string, signal: AbortSignal): Promise<ObservedRetention | undefined> {
  await using connection = await openStreaming(server, { signal });
  const slot = await readSlot(connection, slotName);
  if (slot === undefined) return undefined;
  const { flushLsn, timelineId } = await connection.identifySystem();
  const retainedBytes = slot.restartLsn === undefined ? undefined : Math.max(0, lsnDistance(slot.restartLsn, flushLsn));
  return { ...slot, retainedBytes, timelineId, redoLsn: undefined };
}
