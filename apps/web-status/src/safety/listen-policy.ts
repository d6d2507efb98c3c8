/** Where to listen, and whether that is safe: a pure judgement of the options. */
import { isIP } from 'node:net';
import { WebStatusError } from '../errors.ts';

/** An address to listen at. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What there is to protect it. */
export interface Protection {
  readonly hasSecret: boolean;
  readonly hasTls: boolean;
  readonly hasTrustedProxy: boolean;
}

/** Reads `HOST:PORT`, `[::1]:8432`. Port 0 takes a free one. @throws {WebStatusError} `ERR_OPTION` */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new WebStatusError('ERR_OPTION', `--listen "${text}" is no address`, {
    hint: 'Write it like 127.0.0.1:8432, [::1]:8432 or 0.0.0.0:8432.',
  });
}

/** An address or a network of proxies, `10.0.0.1` or `10.0.0.0/24`. Not everybody. @throws {WebStatusError} `ERR_OPTION` */
export function trustedProxy(text: string): string {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const most = family === 6 ? 128 : 32;
  const isNetwork = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) > 0 && Number(bits) <= most);
  if (family !== 0 && isNetwork && more.length === 0) return text;
  throw new WebStatusError('ERR_OPTION', `--trust-proxy "${text}" is no address and no network`, {
    hint: 'Write it like 10.0.0.1 or 10.0.0.0/24. Whom all are to trust cannot be everybody.',
  });
}

/** Whether only this machine can reach an address. A name other than localhost may lead anywhere. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** @throws {WebStatusError} `ERR_OPEN_ADDRESS` when others could look, or listen in */
export function requireProtection({ host }: ListenAddress, { hasSecret, hasTls, hasTrustedProxy }: Protection): void {
  if (isLoopback(host)) return;
  const missing = [
    ...(hasSecret ? [] : ['--token-file or --basic-auth-file']),
    ...(hasTls || hasTrustedProxy ? [] : ['--tls-cert with --tls-key, or --trust-proxy']),
  ];
  if (missing.length === 0) return;
  throw new WebStatusError(
    'ERR_OPEN_ADDRESS',
    `listening at ${host} would show the state of all servers to everybody who can reach it`,
    {
      hint: `Give ${missing.join(', and ')}; or listen at 127.0.0.1.`,
    },
  );
}
