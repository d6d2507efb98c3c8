/**
 * From a connected socket to "ready for query": the startup message, authentication, and what the server reports about
 * itself. What the server refuses here is given a hint that names the line or command to add on the server.
 */
import { isIPv4 } from 'node:net';
import type { BackendMessage } from './backend-messages.ts';
import { Authentication } from './authenticate.ts';
import type { ConnectionParameters, HostAddress, ProtocolVersions } from './connection-parameters.ts';
import { AuthenticationError, ProtocolViolationError, UnsupportedServerError } from './errors.ts';
import { startupMessage } from './frontend-messages.ts';
import { quoteHba, quoteIdentifier } from './quoting.ts';
import { ServerError, type ServerMessageFields } from './server-error.ts';
import { oldestServerVersion, parseServerVersion } from './server-version.ts';
import type { Session } from './session.ts';

/** What kind of server process is asked for: a walsender, or one that takes SQL. */
export type SessionPurpose = 'replication' | 'sql';

/** What the server says about itself. */
export interface ServerGreeting {
  readonly serverVersion: number;
  readonly backendPid: number;
}

/**
 * Starts a session.
 * @throws {AuthenticationError} when we are not let in. @throws {ServerError} when the server refuses for another reason.
 * @throws {UnsupportedServerError} for a server older than 10.
 */
export async function startUp(
  session: Session,
  { parameters, host, purpose }: { parameters: ConnectionParameters; host: HostAddress; purpose: SessionPurpose },
): Promise<ServerGreeting> {
  session.write(startupMessage(startupParameters(parameters, purpose), parameters.protocol.maximumMinor));
  const authentication = new Authentication(session, { ...parameters, password: host.password });
  const refuse = (fields: ServerMessageFields): Error => refusal(fields, { parameters, host, purpose, session });
  await authenticate(session, { authentication, refuse, protocol: parameters.protocol });
  const backendPid = await untilReady(session, refuse);
  return { serverVersion: checkVersion(session.parameterStatus.get('server_version') ?? ''), backendPid };
}

type Offer = Extract<BackendMessage, { kind: 'negotiateProtocolVersion' }>;
type Refuse = (fields: ServerMessageFields) => Error;

interface Door {
  readonly authentication: Authentication;
  readonly refuse: Refuse;
  readonly protocol: ProtocolVersions;
}

async function authenticate(session: Session, { authentication, refuse, protocol }: Door): Promise<void> {
  let mayNegotiate = true;
  for (;;) {
    const message = await session.next();
    if (message.kind === 'error') throw refuse(message.fields);
    if (message.kind === 'negotiateProtocolVersion' && mayNegotiate) {
      checkOffer(message, protocol);
      mayNegotiate = false;
      continue;
    }
    if (message.kind !== 'authentication') throw session.unexpected(message, 'before it had authenticated us');
    if (await authentication.answer(message.request)) return;
  }
}

/** Whether we can do with the version that the server speaks. We ask for no options, so none can be unknown. */
function checkOffer({ minorVersion, unknownOptions }: Offer, { minimumMinor, maximumMinor }: ProtocolVersions): void {
  if (unknownOptions.length > 0 || minorVersion >= maximumMinor || minorVersion === 1) {
    throw new ProtocolViolationError('received an offer of another protocol version that makes no sense');
  }
  if (minorVersion >= minimumMinor) return;
  throw new UnsupportedServerError(
    `the server speaks protocol 3.${minorVersion}, and min_protocol_version is 3.${minimumMinor}`,
    {
      hint: 'Protocol 3.2 needs PostgreSQL 18; use min_protocol_version=3.0.',
    },
  );
}

async function untilReady(session: Session, refuse: Refuse): Promise<number> {
  let backendPid = 0;
  for (;;) {
    const message: BackendMessage = await session.next();
    if (message.kind === 'readyForQuery') return backendPid;
    if (message.kind === 'error') throw refuse(message.fields);
    if (message.kind !== 'backendKeyData') throw session.unexpected(message, 'while it was starting up');
    backendPid = message.processId;
  }
}

function startupParameters(parameters: ConnectionParameters, purpose: SessionPurpose): Record<string, string> {
  return {
    user: parameters.user,
    database: parameters.database,
    ...(purpose === 'replication' ? { replication: 'true' } : {}),
    ...(parameters.applicationName === undefined ? {} : { application_name: parameters.applicationName }),
    ...(parameters.options === undefined ? {} : { options: parameters.options }),
  };
}

function checkVersion(text: string): number {
  const version = parseServerVersion(text);
  if (version !== undefined && version >= oldestServerVersion) return version;
  throw new UnsupportedServerError(`the server is PostgreSQL ${text || 'of an unknown version'}, which is not supported`, {
    hint: 'PostgreSQL 10 or later is needed.',
  });
}

interface RefusalContext {
  readonly parameters: ConnectionParameters;
  readonly host: HostAddress;
  readonly purpose: SessionPurpose;
  readonly session: Session;
}

function refusal(fields: ServerMessageFields, context: RefusalContext): Error {
  const sqlState = fields.get('C') ?? '';
  const role = quoteIdentifier(context.parameters.user);
  if (sqlState.startsWith('28')) {
    const cause = new ServerError(fields);
    const hint = sqlState === '28P01' ? passwordHint : hbaHint(context, role);
    return new AuthenticationError(cause.message, { sqlState, hint, cause });
  }
  if (sqlState === '42501' && context.purpose === 'replication') {
    return new ServerError(fields, { hint: `Run on the server: ALTER ROLE ${role} REPLICATION;` });
  }
  return new ServerError(fields);
}

const passwordHint =
  'Check the password in the connection string, PGPASSWORD or the password file, and that the role has one on the server.';

function hbaHint({ parameters, host, purpose, session }: RefusalContext, role: string): string {
  const database = purpose === 'replication' ? 'replication' : quoteHba(parameters.database);
  const user = quoteHba(parameters.user);
  const address = session.localAddress;
  const line =
    host.isUnixSocket || address === undefined
      ? `local ${database} ${user} peer`
      : `${session.tls === undefined ? 'host' : 'hostssl'} ${database} ${user} ${address}/${isIPv4(address) ? 32 : 128} scram-sha-256`;
  const attribute = purpose === 'replication' ? 'LOGIN REPLICATION' : 'LOGIN';
  return `Check that the role exists (CREATE ROLE ${role} ${attribute};) and that pg_hba.conf has a line for it, like "${line}", then reload the server.`;
}
