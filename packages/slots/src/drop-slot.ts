/** Removal of physical replication slots (DROP_REPLICATION_SLOT). */
import { type ReplicationConnection, ServerError } from '@walvault/protocol';
import { SlotInUseError, SlotMissingError, SlotWrongTypeError } from './errors.ts';
import { readSlot } from './read-slot.ts';
import { validateSlotName } from './slot-name.ts';

/** How to drop a slot. */
export interface DropSlotOptions {
  /** Whether to wait until nobody streams by the slot, instead of {@link SlotInUseError}. False by default. */
  readonly wait?: boolean | undefined;
}

/**
 * Drops a slot: from now on the server may remove WAL that was not received. The command itself would drop a logical
 * slot as well, so from PostgreSQL 15 on, where that can be asked, a logical slot is refused.
 * @throws {InvalidSlotNameError} @throws {SlotMissingError} @throws {SlotInUseError} @throws {SlotWrongTypeError}
 * @throws {ServerError} what else the server answered.
 */
export async function dropSlot(
  connection: ReplicationConnection,
  slotName: string,
  options: DropSlotOptions = {},
): Promise<void> {
  validateSlotName(slotName);
  await refuseLogical(connection, slotName);
  try {
    await connection.dropReplicationSlot(slotName, { wait: options.wait });
  } catch (error) {
    throw error instanceof ServerError ? (explain(error, slotName) ?? error) : error;
  }
}

async function refuseLogical(connection: ReplicationConnection, slotName: string): Promise<void> {
  if (connection.majorVersion < 15) return;
  const slot = await readSlot(connection, slotName);
  if (slot?.slotType !== 'logical') return;
  throw new SlotWrongTypeError(slotName, `replication slot "${slotName}" is a logical slot`, {
    hint: 'It belongs to a subscription or another decoder. If it is really to go, drop it by pg_drop_replication_slot().',
  });
}

function explain(cause: ServerError, slotName: string): Error | undefined {
  switch (cause.sqlState) {
    case '42704':
      return new SlotMissingError(slotName, `replication slot "${slotName}" does not exist`, {
        hint: 'There is nothing to drop; check slot_name and the server.',
        cause,
      });
    case '55006':
      return new SlotInUseError(slotName, pidIn(cause.message, slotName), {
        hint: 'Stop the receiver that streams by this slot first.',
        cause,
      });
    default:
      return undefined;
  }
}

/** The server tells the process only in its message, in any language; it is shown to people and nothing is decided on it. */
function pidIn(message: string, slotName: string): number | undefined {
  const digits = /\d+/.exec(message.replace(slotName, ''))?.[0];
  return digits === undefined ? undefined : Number(digits);
}
