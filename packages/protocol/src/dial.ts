/**
 * Opens the socket: where the addresses of a host are, and one connection to one of them. No byte of the protocol is
 * sent here.
 */
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import type { NetConnectOpts } from 'node:net';
import type { ConnectionParameters, HostAddress } from './connection-parameters.ts';
import { withDeadline } from './deadline.ts';
import { describeCause } from './describe-cause.ts';
import { ConnectError } from './errors.ts';
import { requireOwner } from './required-peer.ts';
import { SocketReader } from './socket-reader.ts';
import { applyKeepalive, watchUserTimeout } from './tcp-settings.ts';

export { codeOf, describeCause } from './describe-cause.ts';

/** One address of a host, ready to dial. */
export interface DialTarget {
  readonly host: HostAddress;
  readonly socketOptions: { readonly host: string; readonly port: number } | { readonly path: string };
  /** In words for messages, as libpq writes it: `server at "db1" (10.0.0.1), port 5432`. */
  readonly where: string;
}

/**
 * The addresses of a host, in the order to try them: the socket file, `hostaddr`, or all that the name resolves to.
 * @throws {ConnectError} when the name is not found; signal.reason when aborted.
 */
export async function dialTargets(host: HostAddress, signal: AbortSignal): Promise<readonly DialTarget[]> {
  signal.throwIfAborted();
  if (host.isUnixSocket) return [unixTarget(host)];
  if (host.hostAddress !== undefined) return [tcpTarget(host, host.hostAddress)];
  const addresses = await unlessAborted(lookup(host.host, { all: true, order: 'verbatim' }), signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new ConnectError(`could not translate host name "${host.host}" to an address: ${describeCause(cause)}`, {
      where: `server at "${host.host}", port ${host.port}`,
      hint: 'Check the host in the connection string and the name service of this machine.',
      cause,
    });
  });
  return addresses.map(({ address }) => tcpTarget(host, address));
}

/**
 * Connects one socket: by TCP with the settings of the parameters and Nagle's algorithm off, or to a Unix socket of the required
 * owner. An error that comes while nobody reads does not end the process; the next read reports it.
 * @throws {ConnectError} when it fails. @throws {AuthenticationError} when the socket is another's; signal.reason when aborted.
 */
export async function dial(target: DialTarget, parameters: ConnectionParameters, signal: AbortSignal): Promise<SocketReader> {
  if ('port' in target.socketOptions) return await dialTcp(target, parameters, signal);
  if (parameters.requiredPeer === undefined) return await connect(target, target.socketOptions, signal);
  const owned = await requireOwner(target.socketOptions.path, parameters.requiredPeer);
  const reader = await connect(target, { path: owned.path }, signal);
  try {
    await owned.confirm();
  } catch (error) {
    reader.socket.destroy();
    throw error;
  }
  return reader;
}

async function dialTcp(target: DialTarget, parameters: ConnectionParameters, signal: AbortSignal): Promise<SocketReader> {
  const { keepalive, userTimeoutMs } = parameters;
  const options = { ...target.socketOptions, noDelay: true, keepAlive: keepalive };
  // To connect is to wait for an acknowledgement as well.
  const reader = await withDeadline(
    { signal, limitMs: userTimeoutMs, expired: () => noAcknowledgement(target, userTimeoutMs) },
    (limited) => connect(target, options, limited),
  );
  await applyKeepalive(reader.socket, parameters);
  if (userTimeoutMs > 0) watchUserTimeout(reader.socket, userTimeoutMs);
  return reader;
}

function noAcknowledgement({ where }: DialTarget, userTimeoutMs: number): ConnectError {
  return new ConnectError(`connection to ${where} failed: nothing was acknowledged within ${userTimeoutMs} ms`, {
    where,
    timedOut: true,
    hint: 'Check host, port and firewall, or raise tcp_user_timeout.',
  });
}

async function connect(target: DialTarget, options: NetConnectOpts, signal: AbortSignal): Promise<SocketReader> {
  const reader = SocketReader.connect(options);
  try {
    await once(reader.socket, 'connect', { signal });
    return reader;
  } catch (cause) {
    reader.socket.destroy();
    signal.throwIfAborted();
    throw new ConnectError(`connection to ${target.where} failed: ${describeCause(cause)}`, {
      where: target.where,
      hint: target.host.isUnixSocket
        ? 'Is the server running on this machine, and is that the directory of its socket (unix_socket_directories)?'
        : 'Is the server running on that host and accepting TCP/IP connections (listen_addresses, firewall)?',
      cause,
    });
  }
}

function tcpTarget(host: HostAddress, address: string): DialTarget {
  const shown = address === host.host ? `"${host.host}"` : `"${host.host}" (${address})`;
  return { host, socketOptions: { host: address, port: host.port }, where: `server at ${shown}, port ${host.port}` };
}

function unixTarget(host: HostAddress): DialTarget {
  const path = `${host.host}/.s.PGSQL.${host.port}`;
  // A leading @ stands for the zero byte of Linux's abstract namespace.
  return { host, socketOptions: { path: path.replace(/^@/, '\0') }, where: `server on socket "${path}"` };
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
