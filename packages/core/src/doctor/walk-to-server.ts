/**
 * The way to a server by one connection string, walked as far as it goes: the string itself, the names in it, the sockets, and then
 * everything at once, as the receiver does it. Each connection is closed again; nothing is changed on the server.
 */
import {
  type ConnectionParameters,
  connectReplication,
  connectSql,
  type HostProbe,
  probeHosts,
  resolveConnection,
  type SqlConnection,
} from '@walvault/protocol';
import type { ServerConfig } from '@walvault/config';
import { type Logger, silentLogger } from '@walvault/wal';
import { streamingParameters } from '../connections.ts';
import { readWalsender, type WalsenderFacts } from './walsender-facts.ts';
import { readRole, type RoleRow } from './streaming-role.ts';

/** How far one gets with a connection string. */
export interface Way<Answer> {
  /** The option that the string stands in. */
  readonly option: string;
  readonly purpose: 'replication' | 'sql';
  /** Undefined when the string itself is wrong. Holds passwords. */
  readonly parameters: ConnectionParameters | undefined;
  /** What is odd about the string or the password file. */
  readonly notices: readonly string[];
  readonly hosts: readonly HostProbe[];
  /** What the server answered; undefined when one did not get so far. */
  readonly answer: Answer | undefined;
  /** Version of TLS; undefined when there is none, or no connection. */
  readonly tlsVersion: string | undefined;
  /** What stood in the way; undefined when one got through. */
  readonly trouble: unknown;
}

/** What only the ordinary connection can tell, beside what `observeServer` asks. */
export interface SqlAnswer {
  /** The role of the streaming connection; undefined when the server has no such role. */
  readonly streamingRole: RoleRow | undefined;
}

/** How to walk. */
export interface WalkOptions {
  readonly signal: AbortSignal;
  /** How long each step may take, in milliseconds. */
  readonly patienceMs: number;
}

/** Walks to the walsender. Never rejects but for the reason of the signal. */
export async function walkToWalsender(server: ServerConfig, options: WalkOptions): Promise<Way<WalsenderFacts>> {
  const resolve = (log: Logger): Promise<ConnectionParameters> => streamingParameters(server, log);
  return walk({ option: streamingOption(server), purpose: 'replication', resolve }, options, async (parameters) => {
    const { signal, patienceMs } = options;
    await using connection = await connectReplication(parameters, { signal, answerTimeoutMs: patienceMs });
    return { answer: await readWalsender(connection, server.slotName), tlsVersion: connection.tlsVersion };
  });
}

/** Walks to where SQL is taken. Never rejects but for the reason of the signal. */
export async function walkToSql(
  server: ServerConfig,
  streamingUser: string | undefined,
  options: WalkOptions,
): Promise<Way<SqlAnswer>> {
  const resolve = (log: Logger): Promise<ConnectionParameters> =>
    resolveConnection(server.walConninfo ?? '', { replication: false, fallbackApplicationName: 'walvault', log });
  return walk({ option: sqlOption(server), purpose: 'sql', resolve }, options, async (parameters) => {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(2 * options.patienceMs)]);
    await using connection: SqlConnection = await connectSql(parameters, { signal });
    const streamingRole = streamingUser === undefined ? undefined : await readRole(connection, streamingUser);
    return { answer: { streamingRole }, tlsVersion: connection.tlsVersion };
  });
}

/** The option that the streaming connection is made by. */
export function streamingOption(server: ServerConfig): string {
  return ['wal_streaming_conninfo', 'streaming_conninfo'].find((name) => isSet(server, name)) ?? 'conninfo';
}

/** The option that the ordinary connection is made by. */
export function sqlOption(server: ServerConfig): string {
  return ['wal_conninfo', 'wal_streaming_conninfo'].find((name) => isSet(server, name)) ?? 'conninfo';
}

function isSet({ settings }: ServerConfig, name: string): boolean {
  const setting = settings.get(name);
  return setting?.text !== undefined && setting.origin !== 'default';
}

interface Destination extends Pick<Way<unknown>, 'option' | 'purpose'> {
  readonly resolve: (log: Logger) => Promise<ConnectionParameters>;
}

async function walk<Answer>(
  { option, purpose, resolve }: Destination,
  { signal, patienceMs }: WalkOptions,
  ask: (parameters: ConnectionParameters) => Promise<Pick<Way<Answer>, 'answer' | 'tlsVersion'>>,
): Promise<Way<Answer>> {
  const notices: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, message) => void notices.push(message) };
  const start = { option, purpose, notices, hosts: [], answer: undefined, tlsVersion: undefined };
  let parameters: ConnectionParameters;
  try {
    const configured = await resolve(log);
    parameters = { ...configured, connectTimeoutMs: patienceOf(configured, patienceMs) };
  } catch (trouble) {
    return { ...start, parameters: undefined, trouble };
  }
  const hosts = await probeHosts(parameters, { signal, patienceMs });
  try {
    return { ...start, parameters, hosts, ...(await ask(parameters)), trouble: undefined };
  } catch (trouble) {
    signal.throwIfAborted();
    return { ...start, parameters, hosts, trouble };
  }
}

/** Who has set a shorter time means it. */
function patienceOf({ connectTimeoutMs }: ConnectionParameters, patienceMs: number): number {
  return connectTimeoutMs > 0 ? Math.min(connectTimeoutMs, patienceMs) : patienceMs;
}
