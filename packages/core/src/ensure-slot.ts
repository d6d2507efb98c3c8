/** Before streaming with a slot: it must be there, physical, usable and free. */
import type { ServerConfig } from '@walvault/config';
import type { ReplicationConnection } from '@walvault/protocol';
import { createSlot, judgeSlot, readSlot, type ReplicationSlot, validateSlotName } from '@walvault/slots';
import type { Logger } from '@walvault/wal';
import { openSql } from './connections.ts';
import { CoreError } from './errors.ts';

/**
 * The slot that a server's receiver streams with; undefined when none is configured. With `create_slot = auto` a missing
 * one is made.
 * @throws {CoreError} `ERR_SLOT_UNUSABLE` when it cannot be used; a slot that another process holds may be free later
 */
export async function ensureSlot(server: ServerConfig, connection: ReplicationConnection, log: Logger, signal: AbortSignal): Promise<ReplicationSlot | undefined> {
  const { slotName } = server;
  if (slotName === undefined) return undefined;
  validateSlotName(slotName);
  let slot = await lookUp(server, slotName, connection, signal);
  if (slot === undefined && server.createSlot === 'auto') {
    log.info({ slot: slotName }, 'creating replication slot');
    await createSlot(connection, slotName);
    slot = await lookUp(server, slotName, connection, signal);
  }
  const verdict = judgeSlot(slot, slotName);
  if (verdict.kind === 'usable' || verdict.kind === 'notReserving') return slot;
  const missing = `replication slot '${slotName}' doesn't exist. Please execute 'walvault receive-wal --create-slot ${server.name}'`;
  const message = verdict.kind === 'missing' ? missing : verdict.message;
  throw new CoreError('ERR_SLOT_UNUSABLE', message, { hint: verdict.hint, retry: verdict.kind === 'inUse' ? 'retry' : 'fatal' });
}

/** The view has everything but needs an ordinary connection; a walsender of 15 and later tells the essentials by itself. */
async function lookUp(server: ServerConfig, slotName: string, connection: ReplicationConnection, signal: AbortSignal): Promise<ReplicationSlot | undefined> {
  if (connection.majorVersion >= 15 && (server.walConninfo ?? server.conninfo) === undefined) return readSlot(connection, slotName);
  await using sql = await openSql(server, { signal });
  return readSlot(sql, slotName);
}
