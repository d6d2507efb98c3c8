/** `receive-wal --create-slot` and `--drop-slot`. */
import type { ServerConfig } from '@walvault/config';
import { createSlot, dropSlot } from '@walvault/slots';
import { openStreaming } from './connections.ts';
import { CoreError } from './errors.ts';

/**
 * Creates the server's replication slot, with its WAL reserved from this moment on.
 * @throws {CoreError} without a slot_name; what connecting and `createSlot` throw
 */
export async function createServerSlot(server: ServerConfig, signal: AbortSignal): Promise<void> {
  const slotName = requireSlotName(server, 'create');
  await using connection = await openStreaming(server, { signal });
  await createSlot(connection, slotName);
}

/**
 * Drops the server's replication slot. The server then no longer keeps WAL for us.
 * @throws {CoreError} without a slot_name; what connecting and `dropSlot` throw
 */
export async function dropServerSlot(server: ServerConfig, signal: AbortSignal): Promise<void> {
  const slotName = requireSlotName(server, 'drop');
  await using connection = await openStreaming(server, { signal });
  await dropSlot(connection, slotName);
}

/** The configured slot name, checked before anything is said or done. */
export function requireSlotName(server: ServerConfig, verb: 'create' | 'drop'): string {
  if (server.slotName !== undefined) return server.slotName;
  throw new CoreError(
    'ERR_OPTION_REQUIRED',
    `Unable to ${verb} a physical replication slot: slot_name configuration option required`,
    {
      hint: `Set slot_name in section [${server.name}], for example: slot_name = barman`,
    },
  );
}
