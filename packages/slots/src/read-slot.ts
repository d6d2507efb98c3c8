/**
 * Looking a slot up, by either kind of connection. SQL tells everything the server knows; a walsender knows only the
 * kind and the position, and only from PostgreSQL 15 on.
 */
import { ReplicationConnection, ServerError, type SqlConnection } from '@walvault/protocol';
import { parseLsn } from '@walvault/wal';
import type { ReplicationSlot, SlotWalStatus } from './replication-slot.ts';
import { validateSlotName } from './slot-name.ts';

/**
 * The slot of this name, or undefined when there is none.
 *
 * @param connection an SQL connection, to any version from 10 on and with any role; or a walsender of PostgreSQL 15 or later.
 * @throws {InvalidSlotNameError} @throws {UnsupportedServerError} for a walsender before PostgreSQL 15.
 * @throws {ServerError} what else the server answered.
 */
export async function readSlot(
  connection: SqlConnection | ReplicationConnection,
  slotName: string,
): Promise<ReplicationSlot | undefined> {
  validateSlotName(slotName);
  return connection instanceof ReplicationConnection
    ? await askWalsender(connection, slotName)
    : await askView(connection, slotName);
}

const unknown = {
  temporary: undefined,
  active: undefined,
  activePid: undefined,
  restartLsn: undefined,
  restartTimelineId: undefined,
  walStatus: undefined,
  safeWalSize: undefined,
  conflicting: undefined,
  invalidationReason: undefined,
  inactiveSince: undefined,
} as const;

async function askWalsender(connection: ReplicationConnection, slotName: string): Promise<ReplicationSlot | undefined> {
  try {
    const position = await connection.readReplicationSlot(slotName);
    if (position === undefined) return undefined;
    const { restartLsn, restartTimelineId } = position;
    return { ...unknown, slotName, slotType: 'physical', restartLsn, restartTimelineId };
  } catch (error) {
    // feature_not_supported is the answer for a logical slot, and for nothing else once the command is known.
    if (error instanceof ServerError && error.sqlState === '0A000') return { ...unknown, slotName, slotType: 'logical' };
    throw error;
  }
}

/** The row as JSON has whatever columns the version has, and times in one format whatever DateStyle is. */
const slotQuery = 'SELECT pg_catalog.to_jsonb(s) AS slot FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = $1';

/** The columns that are read. All but the first three may be missing or null. */
interface SlotRow {
  readonly slot_type: 'physical' | 'logical';
  readonly active: boolean;
  readonly temporary: boolean;
  readonly active_pid?: number | null;
  readonly restart_lsn?: string | null;
  readonly wal_status?: SlotWalStatus | null;
  readonly safe_wal_size?: number | null;
  readonly conflicting?: boolean | null;
  readonly invalidation_reason?: string | null;
  readonly inactive_since?: string | null;
}

async function askView(connection: SqlConnection, slotName: string): Promise<ReplicationSlot | undefined> {
  const [row] = await connection.query(slotQuery, [slotName]);
  const text = row?.['slot'];
  return text === undefined || text === null ? undefined : fromRow(slotName, JSON.parse(text) as SlotRow);
}

function fromRow(slotName: string, row: SlotRow): ReplicationSlot {
  return {
    slotName,
    slotType: row.slot_type,
    temporary: row.temporary,
    active: row.active,
    activePid: row.active_pid ?? undefined,
    restartLsn: mapValue(row.restart_lsn, parseLsn),
    restartTimelineId: undefined,
    walStatus: row.wal_status ?? undefined,
    safeWalSize: row.safe_wal_size ?? undefined,
    conflicting: row.conflicting ?? undefined,
    invalidationReason: row.invalidation_reason ?? undefined,
    inactiveSince: mapValue(row.inactive_since, (text) => new Date(text)),
  };
}

function mapValue<T>(value: string | null | undefined, read: (value: string) => T): T | undefined {
  return value === null || value === undefined ? undefined : read(value);
}
