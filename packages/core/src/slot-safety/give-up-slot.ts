/**
 * slot_policy = protect-server: the slot is dropped at the limit, so that the disk of the server does not fill up with what it keeps.
 *
 * What is missing then is on record, durably, before anything is dropped. The next attempt to receive makes the slot anew and goes on
 * behind the hole; see `prepareAcrossHoles`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '@walvault/config';
import { ServerError, type SqlConnection } from '@walvault/protocol';
import { dropSlot, SlotMissingError } from '@walvault/slots';
import { type Logger, WalvaultError } from '@walvault/wal';
import { openSql, openStreaming } from '../connections.ts';
import type { HoleRecord, WalPosition } from '../holes.ts';

/** What {@link giveUpSlot} needs besides the server. */
export interface GiveUpOptions {
  readonly slotName: string;
  /** Where receiving would have gone on. */
  readonly from: WalPosition;
  readonly retainedBytes: number | undefined;
  readonly holes: HoleRecord;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Puts the hole on record and drops the slot. Nobody of ours streams by it; what the server still thinks of an old connection is ended.
 * @throws {SlotInUseError} when the server has not noticed yet that the old connection is gone; what connecting and writing throw
 */
export async function giveUpSlot(server: ServerConfig, options: GiveUpOptions): Promise<void> {
  const { slotName, from, retainedBytes, holes, log } = options;
  const hole = await holes.found({ from, to: undefined, reason: 'slotDropped' });
  if (holes.announces(hole)) {
    log.error(
      { slot: slotName, retainedBytes, limitBytes: server.slotRetainedLimit, timelineId: hole.timelineId, fromLsn: hole.fromLsn },
      'slot_policy = protect-server: dropping the replication slot, which keeps as much WAL as slot_retained_limit allows; what is missing is on record in holes.json',
    );
  }
  if (await dropBySql(server, options)) return;
  await using connection = await openStreaming(server, options);
  await dropSlot(connection, slotName).catch(unlessMissing);
}

/**
 * Over the ordinary connection, which works where the streaming one does not, and can end the walsender.
 * @returns false when there is no such connection, or its role may not do it
 */
async function dropBySql(server: ServerConfig, { slotName, signal, log }: GiveUpOptions): Promise<boolean> {
  if (server.walConninfo === undefined) return false;
  try {
    await using sql = await openSql(server, { signal, log });
    await endWalsender(sql, slotName, signal);
    await sql.query('SELECT pg_catalog.pg_drop_replication_slot($1)', [slotName]);
    return true;
  } catch (error) {
    if (signal.aborted || !WalvaultError.is(error)) throw error;
    if (error instanceof ServerError && error.sqlState === undefinedObject) return true;
    log.debug({ code: error.code, error: error.message }, 'could not drop the slot over the ordinary connection');
    return false;
  }
}

const releasedWithinMs = 10_000;
const pauseMs = 100;
const undefinedObject = '42704';
const insufficientPrivilege = '42501';

/**
 * Ends what the server takes for our walsender, where the role may do that, and waits until it has let go of the slot. One that is told to
 * end may hang in sending just that to nobody, and leaves it when it is told again.
 */
async function endWalsender(sql: SqlConnection, slotName: string, signal: AbortSignal): Promise<void> {
  const ofSlot = 'FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND active';
  try {
    for (
      const deadline = performance.now() + releasedWithinMs;
      performance.now() < deadline;
      await sleep(pauseMs, undefined, { signal })
    ) {
      if ((await sql.query(`SELECT pg_catalog.pg_terminate_backend(active_pid) ${ofSlot}`, [slotName])).length === 0) return;
    }
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlState !== insufficientPrivilege) throw error;
  }
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof SlotMissingError)) throw error;
}
