/** Creation of physical replication slots (CREATE_REPLICATION_SLOT). */
import { type ReplicationConnection, ServerError } from '@walvault/protocol';
import { SlotExistsError, SlotsExhaustedError } from './errors.ts';
import { validateSlotName } from './slot-name.ts';

/**
 * Creates a physical slot that keeps WAL at once, from the redo point of the last checkpoint on. Without that
 * (RESERVE_WAL) a slot keeps nothing before the first receiver has streamed, and what is written until then can be lost.
 *
 * The slot is durable when this returns. It does not follow a failover: each server has slots of its own.
 * @throws {InvalidSlotNameError} @throws {SlotExistsError} @throws {SlotsExhaustedError}
 * @throws {ServerError} what else the server answered.
 */
export async function createSlot(connection: ReplicationConnection, slotName: string): Promise<void> {
  validateSlotName(slotName);
  try {
    await connection.createReplicationSlot({ slotName, reserveWal: true });
  } catch (error) {
    throw error instanceof ServerError ? (explain(error, slotName) ?? error) : error;
  }
}

function explain(cause: ServerError, slotName: string): Error | undefined {
  switch (cause.sqlState) {
    case '42710':
      return new SlotExistsError(slotName, `replication slot "${slotName}" already exists`, {
        hint: 'If it is the slot of this archive there is nothing to do; otherwise choose another slot_name.',
        cause,
      });
    case '53400':
      return new SlotsExhaustedError(
        slotName,
        `could not create replication slot "${slotName}": all replication slots are in use`,
        {
          hint: 'Drop a slot that nobody needs (see pg_replication_slots), or raise max_replication_slots and restart the server.',
          cause,
        },
      );
    default:
      return undefined;
  }
}
