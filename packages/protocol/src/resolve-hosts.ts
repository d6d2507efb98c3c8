/**
 * From the lists `host`, `hostaddr` and `port` to the places to try (libpq.sgml, "Specifying Multiple Hosts"; fe-connect.c,
 * pqConnectOptions2). Lists of hosts and addresses must be of equal length; one port serves all hosts.
 */
import { isIP } from 'node:net';
import { ConninfoError } from './conninfo-error.ts';
import type { HostAddress } from './connection-parameters.ts';
import type { ConnectionSettings } from './connection-settings.ts';

/** A place to try, before its password is known. */
export type Place = Omit<HostAddress, 'password'>;

/** The port of PostgreSQL where none is given. */
export const defaultPort = 5432;

/**
 * The places to try, in order; at least one.
 * @param defaultSocketDirectory taken where no host is given.
 * @throws {ConninfoError} `ERR_INVALID_CONNINFO` when the lists do not fit together or an address or port is wrong.
 */
export function resolveHosts(settings: ConnectionSettings, defaultSocketDirectory: string): readonly Place[] {
  const hosts = split(settings.text('host'));
  const addresses = split(settings.text('hostaddr'));
  const ports = split(settings.text('port')).map((port) => toPort(port, settings));
  if (hosts.length > 0 && addresses.length > 0 && hosts.length !== addresses.length) {
    throw mismatch(`${hosts.length} host names to ${addresses.length} hostaddr values`);
  }
  const count = Math.max(hosts.length, addresses.length, 1);
  if (ports.length > 1 && ports.length !== count) throw mismatch(`${ports.length} port numbers to ${count} hosts`);
  return Array.from({ length: count }, (_, index) => {
    const hostAddress = toAddress(addresses[index], settings);
    const host = hosts[index] || hostAddress || defaultSocketDirectory;
    const isUnixSocket = hostAddress === undefined && /^[/@]/.test(host);
    if (isUnixSocket && host.startsWith('@')) checkAbstract(settings);
    return { host, hostAddress, port: ports[ports.length === 1 ? 0 : index] ?? defaultPort, isUnixSocket };
  });
}

function split(list: string | undefined): readonly string[] {
  return list?.split(',') ?? [];
}

/** A socket in the abstract namespace, which has a name but no file. */
function checkAbstract(settings: ConnectionSettings): void {
  const hint = 'Name the directory of the Unix socket, or connect by TCP.';
  if (process.platform !== 'linux') settings.refuseUnsupported('host', hint);
  if (settings.text('requirepeer') !== undefined)
    settings.refuseUnsupported('requirepeer', `An abstract socket has no owner. ${hint}`);
}

function toAddress(address: string | undefined, settings: ConnectionSettings): string | undefined {
  if (address === undefined || address === '') return undefined;
  if (isIP(address) !== 0) return address;
  return settings.refuse('hostaddr', 'hostaddr takes numeric IPv4 or IPv6 addresses; host takes names.');
}

function toPort(text: string, settings: ConnectionSettings): number {
  if (text === '') return defaultPort;
  const port = /^\s*\d+\s*$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  return settings.refuse('port', 'Ports are whole numbers from 1 to 65535, or a list of them with commas.');
}

function mismatch(what: string): ConninfoError {
  return new ConninfoError('ERR_INVALID_CONNINFO', `could not match ${what}`, {
    hint: 'Lists in host, hostaddr and port must be of equal length; only a single port may serve all hosts.',
  });
}
