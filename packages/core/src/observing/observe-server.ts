/** Looks at a server over both of its connections at once, without changing anything there. */
import type { ServerConfig } from '@walvault/config';
import { readSlot } from '@walvault/slots';
import { openSql, openStreaming } from '../connections.ts';
import { CoreError } from '../errors.ts';
import type { ReportedError } from '../receiver-state.ts';
import { reportError } from '../state-publisher.ts';
import { factsQuery } from './facts-query.ts';
import { type FactsRow, readFacts } from './read-facts.ts';
import type { ServerObservation, SqlFacts, StreamingFacts } from './server-observation.ts';

/** How to look. */
export interface ObserveOptions {
  /** What the look may take in all, in milliseconds, the resolution of names included. What has not answered by then is an error. */
  readonly patienceMs: number;
  /**
   * Which server, where WAL and base backups come from different ones: `wal` (default) the one of `wal_conninfo` and
   * `wal_streaming_conninfo`, `backup` the one of `conninfo` and `streaming_conninfo`.
   */
  readonly host?: 'wal' | 'backup' | undefined;
  /** Gives up at once when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Looks at a server. Never rejects: what stands in the way is in the answer. One question over each connection, and over that of the walsender a second one for the slot. */
export async function observeServer(server: ServerConfig, options: ObserveOptions): Promise<ServerObservation> {
  const [streaming, sql] = await Promise.all([
    withPatience(options, (signal) => askWalsender(seenAs(server, options), signal)).catch(reportError),
    observeSql(server, options),
  ]);
  return { streaming, sql };
}

/** Looks over the ordinary connection alone: over the other one the look would be among the walsenders that are seen. Never rejects. */
export async function observeSql(server: ServerConfig, options: ObserveOptions): Promise<SqlFacts | ReportedError> {
  return withPatience(options, (signal) => askSql(seenAs(server, options), signal)).catch(reportError);
}

/** The server with the connections of the wanted host. */
function seenAs(server: ServerConfig, { host }: ObserveOptions): ServerConfig {
  if (host !== 'backup') return server;
  return { ...server, walConninfo: server.conninfo, walStreamingConninfo: server.streamingConninfo };
}

/** Looks at the primary of a standby that WAL is received from (`primary_conninfo`). @throws what connecting and asking throw */
export async function observePrimary(server: ServerConfig, options: ObserveOptions): Promise<SqlFacts> {
  const seen = { ...server, walConninfo: server.primaryConninfo, slotName: undefined };
  return withPatience(options, (signal) => askSql(seen, signal));
}

async function askWalsender(server: ServerConfig, signal: AbortSignal): Promise<StreamingFacts> {
  await using connection = await openStreaming(server, { signal });
  const { systemIdentifier, timelineId, flushLsn } = await connection.identifySystem();
  const { parameterStatus, serverVersion, majorVersion } = connection;
  const { slotName } = server;
  const inHotStandby = parameterStatus.get('in_hot_standby');
  return {
    version: parameterStatus.get('server_version') ?? String(serverVersion),
    versionNumber: serverVersion,
    systemIdentifier,
    timelineId,
    flushLsn,
    isInRecovery: inHotStandby === undefined ? undefined : inHotStandby === 'on',
    slot: slotName === undefined || majorVersion < 15 ? undefined : await readSlot(connection, slotName),
  };
}

async function askSql(server: ServerConfig, signal: AbortSignal): Promise<SqlFacts> {
  await using sql = await openSql(server, { signal });
  const askedMs = Date.now();
  const [row] = await sql.query(factsQuery(sql.majorVersion), [server.slotName ?? null]);
  const answeredMs = Date.now();
  const facts = JSON.parse(row?.['facts'] ?? 'null') as FactsRow;
  const version = sql.parameterStatus.get('server_version') ?? String(sql.serverVersion);
  return readFacts(facts, { version, versionNumber: sql.serverVersion, askedMs, answeredMs });
}

/** What an aborted look ends with says what was waited for, and how long. */
async function withPatience<T>({ patienceMs, signal }: ObserveOptions, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const patience = AbortSignal.timeout(patienceMs);
  try {
    return await ask(signal === undefined ? patience : AbortSignal.any([signal, patience]));
  } catch (error) {
    if (!patience.aborted || signal?.aborted === true) throw error;
    throw new CoreError('ERR_NO_ANSWER_IN_TIME', `the server did not answer within ${patienceMs / 1000} s`, {
      retry: 'retry',
      hint: 'Check host, port and firewall, the name service of this machine, and whether the server hangs.',
      cause: error,
    });
  }
}
