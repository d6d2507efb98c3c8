/**
 * How far one gets towards a server before the first byte of the protocol: what its name means, and whether a connection can be made
 * to each address. For finding out what is wrong; `connectReplication` and `connectSql` do it all by themselves.
 */
import { WalvaultError } from '@walvault/wal';
import { timedOut } from './connect-failures.ts';
import type { ConnectionParameters } from './connection-parameters.ts';
import { withDeadline } from './deadline.ts';
import { dial, type DialTarget, dialTargets } from './dial.ts';

/** What came of one address. */
export interface AddressProbe {
  /** In words: `server at "db1" (10.0.0.1), port 5432`. */
  readonly where: string;
  /** IP address, or path of the Unix socket. */
  readonly address: string;
  /** Address of this side, when the connection was made by TCP. */
  readonly localAddress: string | undefined;
  /** Why no connection could be made; undefined when one could. */
  readonly error: WalvaultError | undefined;
}

/** What came of one host of the connection string. */
export interface HostProbe {
  readonly host: string;
  readonly port: number;
  readonly isUnixSocket: boolean;
  /** Why the name means no address; undefined when it does. */
  readonly error: WalvaultError | undefined;
  /** Empty when there is an error. */
  readonly addresses: readonly AddressProbe[];
}

/** How to probe. */
export interface ProbeOptions {
  readonly signal: AbortSignal;
  /** How long a name, and each address, may take, in milliseconds. */
  readonly patienceMs: number;
}

/**
 * Looks up all hosts of a connection and connects to all their addresses, at once. Each connection is closed before anything is said.
 * @throws the reason of the signal; nothing else
 */
export async function probeHosts(parameters: ConnectionParameters, options: ProbeOptions): Promise<readonly HostProbe[]> {
  return await Promise.all(
    parameters.hosts.map(async (place) => {
      const { host, port, isUnixSocket } = place;
      const where = `server at "${host}", port ${port}`;
      const targets = await settle(options, where, (signal) => dialTargets(place, signal));
      const found = WalvaultError.is(targets) ? [] : targets;
      const addresses = await Promise.all(found.map((target) => probeAddress(target, parameters, options)));
      return { host, port, isUnixSocket, error: WalvaultError.is(targets) ? targets : undefined, addresses };
    }),
  );
}

async function probeAddress(target: DialTarget, parameters: ConnectionParameters, options: ProbeOptions): Promise<AddressProbe> {
  const { where, socketOptions } = target;
  const address = 'port' in socketOptions ? socketOptions.host : socketOptions.path.replace(/^\0/, '@');
  const reader = await settle(options, where, (signal) => dial(target, parameters, signal));
  if (WalvaultError.is(reader)) return { where, address, localAddress: undefined, error: reader };
  const { localAddress } = reader.socket;
  reader.socket.destroy();
  return { where, address, localAddress, error: undefined };
}

/** What the work gives, or the error of ours that it ended with. */
async function settle<T>(
  { signal, patienceMs }: ProbeOptions,
  where: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | WalvaultError> {
  try {
    return await withDeadline({ signal, limitMs: patienceMs, expired: () => timedOut(where, patienceMs) }, work);
  } catch (error) {
    signal.throwIfAborted();
    if (WalvaultError.is(error)) return error;
    throw error;
  }
}
