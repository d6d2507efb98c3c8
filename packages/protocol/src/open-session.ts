/**
 * Finds a server that takes us: hosts in the order given, each with all its addresses, each with and without TLS as
 * `sslmode` says (PQconnectPoll in fe-connect.c).
 *
 * Where nobody answers, or the server says that it cannot now (starting up, full), the next address is tried. A server
 * that refuses us, or whose certificate is not accepted, ends the search: going on would hide a wrong setting, or offer
 * the password at the wrong door. `allow` and `prefer` try the same address again with the other encryption first.
 */
import { type Logger, silentLogger, WalvaultError } from '@walvault/wal';
import type { ConnectionParameters, HostAddress, SslMode } from './connection-parameters.ts';
import { dial, type DialTarget, dialTargets } from './dial.ts';
import { AuthenticationError, ConnectError, TlsError } from './errors.ts';
import { ServerError } from './server-error.ts';
import { Session } from './session.ts';
import { SocketReader } from './socket-reader.ts';
import { type ServerGreeting, type SessionPurpose, startUp } from './startup.ts';
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

/** Connects to the first server that takes us. `connectReplication` says what it throws. */
export async function openSession(request: SessionRequest): Promise<OpenedSession> {
  const failures: WalvaultError[] = [];
  for (const host of request.parameters.hosts) {
    const opened = await openHost(request, host, failures);
    if (opened !== undefined) return opened;
  }
  throw summary(failures);
}

/** Tries the addresses of one host. What fails but may be tried elsewhere is added to `failures`. */
async function openHost(
  request: SessionRequest,
  host: HostAddress,
  failures: WalvaultError[],
): Promise<OpenedSession | undefined> {
  const noteOrThrow = (error: unknown): undefined => {
    request.signal.throwIfAborted();
    if (!WalvaultError.is(error) || error.retry === 'fatal') throw error;
    (request.log ?? silentLogger).debug({ code: error.code, host: host.host, port: host.port }, error.message);
    failures.push(error);
  };
  const targets = await withDeadline(request, `server at "${host.host}", port ${host.port}`, (signal) =>
    dialTargets(host, signal),
  ).catch(noteOrThrow);
  for (const target of targets ?? []) {
    const opened = await openTarget(request, target).catch(noteOrThrow);
    if (opened !== undefined) return opened;
  }
  return undefined;
}

/** Tries one address with each encryption that the mode allows. */
async function openTarget(request: SessionRequest, target: DialTarget): Promise<OpenedSession> {
  const [first, second] = encryptionsOf[target.host.isUnixSocket ? 'disable' : request.parameters.tls.mode];
  try {
    return await attempt(request, target, first);
  } catch (error) {
    if (second === undefined || !isWorthOtherEncryption(error)) throw error;
    try {
      return await attempt(request, target, second);
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

async function attempt(request: SessionRequest, target: DialTarget, encryption: Encryption): Promise<OpenedSession> {
  return await withDeadline(request, target.where, async (signal) => {
    const reader = await openSocket(target, { encryption, parameters: request.parameters, signal });
    const session = new Session(reader, { signal, log: request.log, where: target.where });
    try {
      return { session, greeting: await startUp(session, { ...request, host: target.host }) };
    } catch (error) {
      session.fail(error);
      throw error;
    }
  });
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

/**
 * Runs one attempt under `connect_timeout`. The signal that it gets goes on following the caller's after the attempt has
 * succeeded; only the deadline is taken away.
 */
async function withDeadline<T>(request: SessionRequest, where: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { connectTimeoutMs } = request.parameters;
  if (connectTimeoutMs <= 0) return await work(request.signal);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(timedOut(where, connectTimeoutMs)), connectTimeoutMs);
  try {
    return await work(AbortSignal.any([request.signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(where: string, connectTimeoutMs: number): ConnectError {
  return new ConnectError(`connection to ${where} failed: no answer within ${connectTimeoutMs / 1000} s`, {
    where,
    timedOut: true,
    hint: 'Check host, port and firewall, or raise connect_timeout.',
  });
}

/** The only failure itself, or one error that tells all of them. */
function summary(failures: readonly WalvaultError[]): WalvaultError {
  const [only, second] = failures;
  if (only !== undefined && second === undefined) return only;
  return new ConnectError(`no server could be reached: ${failures.map((failure) => failure.message).join('; ')}`, {
    where: 'all addresses',
    hint: failures.at(-1)?.hint,
    attempts: failures,
    cause: failures.at(-1),
  });
}
