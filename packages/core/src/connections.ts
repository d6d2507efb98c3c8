/** Connections to a server as its section of the configuration says. */
import type { ServerConfig } from '@walvault/config';
import {
  type ConnectionParameters,
  connectReplication,
  connectSql,
  parseConninfo,
  type ReplicationConnection,
  resolveConnection,
  type SqlConnection,
} from '@walvault/protocol';
import type { Logger } from '@walvault/wal';
import { CoreError } from './errors.ts';

/** What a connection is opened with. */
export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly log?: Logger | undefined;
}

/** Where nothing sets `connect_timeout`: a server that takes a connection and says nothing must not hold a receiver for ever. */
const fallbackConnectTimeoutMs = 30_000;

/**
 * Parameters of the streaming connection: `wal_streaming_conninfo`, else `streaming_conninfo`, else `conninfo`.
 * `streaming_archiver_name` is the application name unless the connection string has one.
 */
export async function streamingParameters(server: ServerConfig, log?: Logger): Promise<ConnectionParameters> {
  const conninfo = server.walStreamingConninfo ?? server.conninfo;
  if (conninfo === undefined) throw missingConninfo(server, 'streaming_conninfo');
  const hasName = parseConninfo(conninfo).has('application_name');
  const overrides = hasName ? {} : { application_name: server.streamingArchiverName };
  return resolveConnection(conninfo, { replication: true, overrides, fallbackConnectTimeoutMs, log });
}

/**
 * Parameters for streaming WAL again that is missing, from the server itself or from another one. The name is one of our own: a
 * stream of old WAL must not be taken for the receiver, which may be a synchronous standby.
 * @param conninfo that of the streaming connection unless given
 */
export async function healingParameters(
  server: ServerConfig,
  conninfo: string | undefined,
  log?: Logger,
): Promise<ConnectionParameters> {
  const from = conninfo ?? server.walStreamingConninfo ?? server.conninfo;
  if (from === undefined) throw missingConninfo(server, 'streaming_conninfo');
  const overrides = { application_name: 'walvault_heal' };
  return resolveConnection(from, { replication: true, overrides, fallbackConnectTimeoutMs, log });
}

/**
 * Makes sure that connections can be tried by the strings of a server; nothing is connected.
 * @throws what taking them apart throws, and what the files throw that they name
 */
export async function checkConninfo(server: ServerConfig): Promise<void> {
  await streamingParameters(server);
  if (server.walConninfo !== undefined) await resolveConnection(server.walConninfo, { replication: false });
}

/** Opens the streaming connection. @throws what connecting throws */
export async function openStreaming(server: ServerConfig, options: OpenOptions): Promise<ReplicationConnection> {
  return connectReplication(await streamingParameters(server, options.log), options);
}

/** Opens the ordinary connection, for what a walsender refuses: `wal_conninfo`, else `conninfo`. */
export async function openSql(server: ServerConfig, options: OpenOptions): Promise<SqlConnection> {
  if (server.walConninfo === undefined) throw missingConninfo(server, 'conninfo');
  return openSqlBy(server.walConninfo, options);
}

/** Opens the ordinary connection to the primary of a standby: `primary_conninfo`. */
export async function openPrimarySql(server: ServerConfig, options: OpenOptions): Promise<SqlConnection> {
  if (server.primaryConninfo === undefined) throw missingConninfo(server, 'primary_conninfo');
  return openSqlBy(server.primaryConninfo, options);
}

async function openSqlBy(conninfo: string, options: OpenOptions): Promise<SqlConnection> {
  const parameters = await resolveConnection(conninfo, {
    replication: false,
    fallbackApplicationName: 'walvault',
    fallbackConnectTimeoutMs,
    log: options.log,
  });
  return connectSql(parameters, options);
}

function missingConninfo(server: ServerConfig, option: string): CoreError {
  return new CoreError('ERR_OPTION_REQUIRED', `no ${option} is configured for server '${server.name}'`, {
    hint: `Set ${option} in section [${server.name}], for example: ${option} = host=pg user=streaming_barman`,
  });
}
