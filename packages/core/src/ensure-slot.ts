/** Before streaming with a slot: it must be there, physical, usable and free. */
import type { ServerConfig } from '@walvault/config';
import type { ReplicationConnection } from '@walvault/protocol';
import { createSlot, dropSlot, judgeSlot, readSlot, type ReplicationSlot, type SlotVerdict } from '@walvault/slots';
import { type Logger, type Lsn, type TimelineId, WalvaultError } from '@walvault/wal';
import { openSql } from './connections.ts';
import { SlotUnusableError } from './errors.ts';

/** Where a slot keeps WAL from, as far as the server tells. */
export interface SlotPosition {
  readonly restartLsn: Lsn | undefined;
  /** Only PostgreSQL 15 and later tell it. */
  readonly restartTimelineId: TimelineId | undefined;
}

/** What {@link ensureSlot} needs besides the server. */
export interface EnsureSlotOptions {
  /** Idle; the slot is made over it, and positions are asked for. */
  readonly connection: ReplicationConnection;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

const unknownPosition: SlotPosition = { restartLsn: undefined, restartTimelineId: undefined };

/**
 * The slot that a server's receiver streams with; undefined when none is configured. With `create_slot = auto` a missing
 * one is made.
 * @throws {SlotUnusableError} when it cannot be used; a slot that another process holds may be free later
 */
export async function ensureSlot(server: ServerConfig, options: EnsureSlotOptions): Promise<SlotPosition | undefined> {
  const { slotName } = server;
  const { connection, log } = options;
  if (slotName === undefined) return undefined;
  // Before 15 only SQL can look at a slot; without an ordinary connection START_REPLICATION itself will tell.
  if (connection.majorVersion < 15 && server.walConninfo === undefined) return unknownPosition;
  let slot = await lookUp(server, slotName, options);
  if (slot === 'unknown') return unknownPosition;
  if (slot === undefined && server.createSlot === 'auto') {
    log.info({ slot: slotName }, 'creating replication slot');
    await createSlot(connection, slotName);
    slot = await lookUp(server, slotName, options);
    if (slot === 'unknown') return unknownPosition;
  }
  const verdict = judge(slot);
  const problem = problemOf(verdict, server, slotName);
  if (problem !== undefined) throw new SlotUnusableError(verdict.kind, problem, { hint: verdict.hint });
  if (verdict.kind !== 'usable') log.warn({ slot: slotName, state: verdict.kind }, verdict.hint);
  const position = connection.majorVersion >= 15 ? await connection.readReplicationSlot(slotName) : slot;
  return position ?? unknownPosition;
}

/**
 * Puts a slot that has lost its WAL out of the way and makes it anew. A lost slot keeps nothing, so that nothing is lost by it.
 * @throws what `dropSlot` and `createSlot` throw
 */
export async function replaceLostSlot(slotName: string, { connection, log }: EnsureSlotOptions): Promise<void> {
  log.warn({ slot: slotName }, 'the replication slot has lost its WAL: dropping it and creating it anew');
  await dropSlot(connection, slotName);
  await createSlot(connection, slotName);
}

/**
 * A slot that still stands somewhere and was not invalidated is not lost, even where the WAL there is gone (pg_receivewal sets it
 * to where it would like to go on): it keeps what comes behind as soon as it is moved on.
 */
function judge(slot: ReplicationSlot | undefined): SlotVerdict {
  const verdict = judgeSlot(slot);
  if (verdict.kind !== 'lost' || slot?.restartLsn === undefined || slot.invalidationReason !== undefined) return verdict;
  return judgeSlot({ ...slot, walStatus: 'unreserved' });
}

/**
 * The view knows use and loss; it needs an ordinary connection. Where that cannot be had, because it is configured wrongly or the server is
 * full, streaming does not wait for it: from 15 on the walsender tells of the slot, and before that START_REPLICATION itself will.
 */
async function lookUp(
  server: ServerConfig,
  slotName: string,
  options: EnsureSlotOptions,
): Promise<ReplicationSlot | undefined | 'unknown'> {
  const { connection, signal, log } = options;
  if (server.walConninfo === undefined) return readSlot(connection, slotName);
  try {
    await using sql = await openSql(server, { signal });
    return await readSlot(sql, slotName);
  } catch (error) {
    if (signal.aborted || !WalvaultError.is(error)) throw error;
    const { code, message, hint } = error;
    log.warn({ code, error: message, hint }, 'the ordinary connection (conninfo) cannot be used; streaming goes on without it');
    return connection.majorVersion >= 15 ? readSlot(connection, slotName) : 'unknown';
  }
}

/** Why the slot cannot be streamed with. The first two sentences are Barman's. */
function problemOf(verdict: SlotVerdict, server: ServerConfig, slotName: string): string | undefined {
  switch (verdict.kind) {
    case 'missing':
      return `replication slot '${slotName}' doesn't exist. Please execute 'walvault receive-wal --create-slot ${server.name}'`;
    case 'inUse':
      return `replication slot '${slotName}' is already in use${verdict.activePid === undefined ? '' : ` by process ${verdict.activePid} of the server`}`;
    case 'wrongType':
      return `replication slot '${slotName}' is a ${verdict.slotType} slot, a physical one is needed`;
    case 'lost':
      return `replication slot '${slotName}' has lost the WAL that it kept (${verdict.reason})`;
    case 'usable':
    case 'atRisk':
    case 'notReserving':
      return undefined;
  }
}
