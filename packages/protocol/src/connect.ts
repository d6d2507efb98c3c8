/** The two doors of a server: one for replication commands, one for SQL. */
import type { ConnectionParameters } from './connection-parameters.ts';
import { type ConnectOptions, openSession } from './open-session.ts';
import { ReplicationConnection, type ReplicationConnectionOptions } from './replication-connection.ts';
import { SqlConnection } from './sql-connection.ts';

/**
 * Connects to a walsender for physical replication (`replication=true`). Dispose of the connection when done.
 *
 * Hosts are tried in order, or in random order, each with all its addresses; one that cannot be reached, says that it cannot now or
 * is not of the kind that is asked for is passed over, one that refuses us ends the search.
 * @throws {ConnectError} when no server could be reached. @throws {TargetSessionError} when the only one is of another kind.
 * @throws {TlsError} @throws {AuthenticationError} @throws {ServerError} what the only server answered. @throws {UnsupportedServerError} for PostgreSQL before 10.
 * @throws {ConnectionLostError} @throws {ProtocolViolationError} @throws the reason of the signal.
 */
export async function connectReplication(
  parameters: ConnectionParameters,
  options: ConnectOptions & ReplicationConnectionOptions,
): Promise<ReplicationConnection> {
  return new ReplicationConnection(await openSession({ parameters, purpose: 'replication', ...options }), options);
}

/** Connects for SQL, to what a walsender does not answer. Otherwise as {@link connectReplication}. */
export async function connectSql(parameters: ConnectionParameters, options: ConnectOptions): Promise<SqlConnection> {
  return new SqlConnection(await openSession({ parameters, purpose: 'sql', ...options }));
}
