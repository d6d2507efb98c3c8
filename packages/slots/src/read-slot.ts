/**
 * Looking a slot up, by either kind of connection. SQL tells everything the server knows; a walsender knows only the
 * kind and the position, and only from PostgreSQL 15 on.
 */
import { ReplicationConnection, ServerError, type SqlConnection } from '@walvault/protocol';
import type { ReplicationSlot } from './replication-slot.ts';
import { slotFromRow, type SlotRow } from './slot-row.ts';
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

const slotQuery = 'SELECT pg_catalog.to_jsonb(s) AS slot FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = $1';

async function askView(connection: SqlConnection, slotName: string): Promise<ReplicationSlot | undefined> {
  const [row] = await connection.query(slotQuery, [slotName]);
  const text = row?.['slot'];
  return text === undefined || text === null ? undefined : slotFromRow(JSON.parse(text) as SlotRow);
}
