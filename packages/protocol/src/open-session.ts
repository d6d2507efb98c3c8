/**
 * Finds a server that takes us and is of the kind that `target_session_attrs` asks for: hosts in the order given, or in random
 * order, each with all its addresses, each with and without TLS as `sslmode` says (PQconnectPoll in fe-connect.c).
 *
 * Where nobody answers, or the server says that it cannot now (starting up, full) or is of another kind, the next address is tried.
 * `prefer-standby` goes over all of them for a standby, and then for any server. A server that refuses us, or whose certificate is
 * not accepted, ends the search: going on would hide a wrong setting, or offer the password at the wrong door. `allow` and `prefer`
 * try the same address again with the other encryption first.
 */
import { randomInt } from 'node:crypto';
import { type Logger, silentLogger, WalvaultError } from '@walvault/wal';
import type { ConnectionParameters, HostAddress, SslMode, TargetSession } from './connection-parameters.ts';
import { type Failure, summarize, timedOut } from './connect-failures.ts';
import { withDeadline } from './deadline.ts';
import { dial, type DialTarget, dialTargets } from './dial.ts';
import { AuthenticationError, TargetSessionError, TlsError } from './errors.ts';
import { ServerError } from './server-error.ts';
import { Session } from './session.ts';
import { SocketReader } from './socket-reader.ts';
import { type ServerGreeting, type SessionPurpose, startUp } from './startup.ts';
import { objectionTo, type SessionDemand } from './target-session.ts';
import { encrypt, requestTls } from './tls.ts';

/** What each way of connecting takes besides the parameters. */
export interface ConnectOptions {
  /** Aborting it gives up connecting, and later breaks the connection; whoever waits gets its reason. */
  readonly signal: AbortSignal;
  /** Notices of the server and failed attempts go here. */
  readonly log?: Logger | undefined;
}

/** What to open. */
export interface SessionRequest extends ConnectOptions {
  readonly parameters: ConnectionParameters;
  readonly purpose: SessionPurpose;
}

/** A session that is ready for commands. */
export interface OpenedSession {
  readonly session: Session;
  readonly greeting: ServerGreeting;
}

/** What one attempt does about TLS: nothing, TLS if the server can, or TLS only. */
type Encryption = 'plain' | 'ifOffered' | 'tls';

/** The attempts that each mode makes at one address. */
const encryptionsOf: Readonly<Record<SslMode, readonly [Encryption, Encryption?]>> = {
  disable: ['plain'],
  allow: ['plain', 'tls'],
  prefer: ['ifOffered', 'plain'],
  require: ['tls'],
  'verify-ca': ['tls'],
  'verify-full': ['tls'],
};

/** The searches that each value of `target_session_attrs` takes, one after the other. */
function searchesFor(target: TargetSession): readonly SessionDemand[] {
  return target === 'prefer-standby' ? ['standby', 'any'] : [target];
}

/** One search. */
interface Search extends SessionRequest {
  readonly demand: SessionDemand;
}

/** Connects to the first server that takes us. `connectReplication` says what it throws. */
export async function openSession(request: SessionRequest): Promise<OpenedSession> {
  const { hosts, inRandomOrder, targetSession } = request.parameters;
  const inOrder = inRandomOrder ? shuffled(hosts) : hosts;
  let failures: Failure[] = [];
  for (const demand of searchesFor(targetSession)) {
    failures = [];
    for (const host of inOrder) {
      const opened = await openHost({ ...request, demand }, host, failures);
      if (opened !== undefined) return opened;
    }
  }
  throw summarize(failures);
}

/** Tries the addresses of one host. What fails but may be tried elsewhere is added to `failures`. */
async function openHost(search: Search, host: HostAddress, failures: Failure[]): Promise<OpenedSession | undefined> {
  const noteOrThrow =
    (where: string) =>
    (error: unknown): undefined => {
      search.signal.throwIfAborted();
      if (!WalvaultError.is(error)) throw error;
      // What the server says does not tell which of the hosts it is.
      (search.log ?? silentLogger).debug({ code: error.code, host: host.host, port: host.port }, error.message);
      if (error.retry === 'fatal') throw error;
      failures.push({ where, error });
    };
  const where = `server at "${host.host}", port ${host.port}`;
  const targets = (await inTime(search, where, (signal) => dialTargets(host, signal)).catch(noteOrThrow(where))) ?? [];
  for (const target of search.parameters.inRandomOrder ? shuffled(targets) : targets) {
    const work = (signal: AbortSignal): Promise<OpenedSession> => openTarget({ ...search, signal }, target);
    const opened = await inTime(search, target.where, work).catch(noteOrThrow(target.where));
    if (opened !== undefined) return opened;
  }
  return undefined;
}

/** Tries one address with each encryption that the mode allows. */
async function openTarget(search: Search, target: DialTarget): Promise<OpenedSession> {
  const [first, second] = encryptionsOf[target.host.isUnixSocket ? 'disable' : search.parameters.tls.mode];
  try {
    return await attempt(search, target, first);
  } catch (error) {
    if (second === undefined || !isWorthOtherEncryption(error)) throw error;
    try {
      return await attempt(search, target, second);
    } catch (secondError) {
      // What the server said about us tells more than that the other way of encryption is not there.
      throw secondError instanceof TlsError ? error : secondError;
    }
  }
}

/** Whether the server, having heard us, might say something else on the other kind of connection. */
function isWorthOtherEncryption(error: unknown): boolean {
  return (
    error instanceof TlsError ||
    error instanceof ServerError ||
    (error instanceof AuthenticationError && error.sqlState !== undefined)
  );
}

async function attempt(search: Search, target: DialTarget, encryption: Encryption): Promise<OpenedSession> {
  const { parameters, signal } = search;
  const reader = await openSocket(target, { encryption, parameters, signal });
  const session = new Session(reader, { signal, log: search.log, where: target.where });
  try {
    const greeting = await startUp(session, { ...search, host: target.host });
    const objection = await objectionTo(session, search);
    if (objection === undefined) return { session, greeting };
    await session[Symbol.asyncDispose]();
    throw new TargetSessionError(`connection to ${target.where} failed: ${objection.problem}`, { hint: objection.hint });
  } catch (error) {
    session.fail(error);
    throw error;
  }
}

interface SocketOptions {
  readonly encryption: Encryption;
  readonly parameters: ConnectionParameters;
  readonly signal: AbortSignal;
}

async function openSocket(target: DialTarget, { encryption, parameters, signal }: SocketOptions): Promise<SocketReader> {
  const reader = await dial(target, parameters, signal);
  if (encryption === 'plain') return reader;
  const { socket } = reader;
  try {
    const isDirect = encryption === 'tls' && parameters.tls.negotiation === 'direct';
    if (isDirect || (await requestTls(reader, signal))) {
      return SocketReader.over(await encrypt(socket, target.host.host, parameters.tls, signal));
    }
    if (encryption === 'ifOffered') return reader;
    throw new TlsError('the server does not support TLS', {
      hint: `Set ssl = on and a certificate on the server, or use a weaker sslmode than ${parameters.tls.mode}.`,
    });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Runs the work on one address under `connect_timeout`. */
async function inTime<T>(request: SessionRequest, where: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limitMs = request.parameters.connectTimeoutMs;
  return await withDeadline({ signal: request.signal, limitMs, expired: () => timedOut(where, limitMs) }, work);
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(randomInt(rest.length), 1));
}
