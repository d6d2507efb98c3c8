/** switch-wal: makes the server close the segment that it writes, so that it can be archived. */
import type { ServerConfig } from '@walvault/config';
import { ServerError, type SqlConnection } from '@walvault/protocol';
import { addToLsn, parseLsn, toTimelineId, toWalSegmentSize, walFileNameAt } from '@walvault/wal';
import { openPrimarySql, openSql } from '../connections.ts';
import { CoreError } from '../errors.ts';

/** How to switch. */
export interface SwitchWalOptions {
  readonly signal: AbortSignal;
  /** Do a checkpoint first, so that there is something to close even on a server where nothing happens. */
  readonly force?: boolean | undefined;
}

/** What came of it. `name` is that of the last segment that is complete on the server now. */
export type SwitchWalOutcome =
  /** That segment was closed just now. */
  | { readonly kind: 'closed'; readonly name: string }
  /** Nothing was written since the segment before the current one was closed. */
  | { readonly kind: 'notRequired'; readonly name: string }
  /** The server is a standby, and no `primary_conninfo` leads to its primary. */
  | { readonly kind: 'standby' };

/**
 * Switches the WAL of a server; of its primary, where `conninfo` leads to a standby and `primary_conninfo` is set.
 * @throws {CoreError} `ERR_MISSING_PRIVILEGE` when the role may not; what connecting throws
 */
export async function switchServerWal(server: ServerConfig, options: SwitchWalOptions): Promise<SwitchWalOutcome> {
  await using primary = await connectToPrimary(server, options.signal);
  if (primary === undefined) return { kind: 'standby' };
  if (options.force === true) await run(primary, 'CHECKPOINT', checkpointRight);
  return await switchWal(primary);
}

/** The connection in which WAL can be switched; undefined when there are only standbys. A dead standby is not in the way to its primary. */
async function connectToPrimary(server: ServerConfig, signal: AbortSignal): Promise<SqlConnection | undefined> {
  if (server.primaryConninfo === undefined) return ifPrimary(await openSql(server, { signal }));
  const nearest = await openSql(server, { signal }).then(ifPrimary, () => undefined);
  return nearest ?? ifPrimary(await openPrimarySql(server, { signal }));
}

/** The connection if it is to a primary; else it is closed. */
async function ifPrimary(connection: SqlConnection): Promise<SqlConnection | undefined> {
  const [row] = await connection.query('SELECT pg_catalog.pg_is_in_recovery() AS "isInRecovery"');
  if (row?.['isInRecovery'] === 'f') return connection;
  await connection[Symbol.asyncDispose]();
  return undefined;
}

const position = `SELECT pg_catalog.pg_current_wal_insert_lsn() AS lsn,
  pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) AS size,
  pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) AS timeline`;

/**
 * pg_switch_wal() gives the end of the closed segment's content, or the start of the current segment when there was nothing to close. The
 * name is worked out here: pg_walfile_name() of a segment's start names one segment before PostgreSQL 17 and the other since.
 */
async function switchWal(connection: SqlConnection): Promise<SwitchWalOutcome> {
  const [before] = await connection.query(position);
  const [after] = await run(connection, 'SELECT pg_catalog.pg_switch_wal() AS lsn', switchRight);
  const end = parseLsn(after?.['lsn'] ?? '');
  const timelineId = toTimelineId(Number.parseInt(before?.['timeline'] ?? '', 16));
  const name = walFileNameAt(timelineId, addToLsn(end, -1), toWalSegmentSize(Number(before?.['size'])));
  return { kind: parseLsn(before?.['lsn'] ?? '') < end ? 'closed' : 'notRequired', name };
}

/** What a role needs for something. */
interface Right {
  readonly what: string;
  readonly grant: (role: string, majorVersion: number) => string;
}

const checkpointRight: Right = {
  what: `switch-wal --force requires superuser rights or the 'pg_checkpoint' role`,
  grant: (role, majorVersion) =>
    majorVersion < 15
      ? 'PostgreSQL before 15 lets superusers only do checkpoints: leave --force away, or use the conninfo of a superuser.'
      : `Run on the server, as a superuser: GRANT pg_checkpoint TO ${role};`,
};

const switchRight: Right = {
  what: 'the role of the connection may not switch WAL',
  grant: (role) => `Run on the server, as a superuser: GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO ${role};`,
};

/** Runs a statement that not everybody may run. */
async function run(connection: SqlConnection, sql: string, right: Right): ReturnType<SqlConnection['query']> {
  try {
    return await connection.query(sql);
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlState !== '42501') throw error;
    const [row] = await connection.query('SELECT pg_catalog.quote_ident(current_user) AS role');
    const hint = right.grant(row?.['role'] ?? 'the role', connection.majorVersion);
    throw new CoreError('ERR_MISSING_PRIVILEGE', right.what, { hint, cause: error });
  }
}
