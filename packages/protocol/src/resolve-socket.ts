/**
 * The parameters of the socket below the protocol: how long connecting may take, how a dead peer is noticed, and who must be
 * behind a Unix socket (libpq.sgml, `connect_timeout`, `keepalives`, `tcp_user_timeout`, `requirepeer`). Zero, a negative number and
 * nothing at all mean what the system does by itself.
 */
import type { ConnectionParameters } from './connection-parameters.ts';
import type { ConninfoKeyword } from './conninfo-keywords.ts';
import type { ConnectionSettings } from './connection-settings.ts';

type SocketParameters = Pick<
  ConnectionParameters,
  | 'connectTimeoutMs'
  | 'keepalive'
  | 'keepaliveIdleMs'
  | 'keepaliveIntervalMs'
  | 'keepaliveCount'
  | 'userTimeoutMs'
  | 'requiredPeer'
>;

/** Reads them. @throws {ConninfoError} on values that are not allowed, or that this platform cannot honour. */
export function resolveSocket(
  settings: ConnectionSettings,
  options: { readonly fallbackConnectTimeoutMs?: number | undefined; readonly platform?: NodeJS.Platform | undefined } = {},
): SocketParameters {
  const { fallbackConnectTimeoutMs = 0, platform = process.platform } = options;
  const number = (keyword: ConninfoKeyword): number => Math.max(settings.integer(keyword) ?? 0, 0);
  const userTimeoutMs = number('tcp_user_timeout');
  const requiredPeer = settings.text('requirepeer');
  if (userTimeoutMs > 0 && platform !== 'linux') {
    settings.refuseUnsupported('tcp_user_timeout', 'It works on Linux alone; use the keepalives parameters here.');
  }
  if (requiredPeer !== undefined && platform === 'win32') {
    settings.refuseUnsupported('requirepeer', 'Windows has no owners of sockets; connect by TCP with sslmode=verify-full.');
  }
  return {
    connectTimeoutMs: settings.get('connect_timeout') === undefined ? fallbackConnectTimeoutMs : number('connect_timeout') * 1000,
    keepalive: settings.integer('keepalives') !== 0,
    keepaliveIdleMs: number('keepalives_idle') * 1000,
    keepaliveIntervalMs: number('keepalives_interval') * 1000,
    keepaliveCount: number('keepalives_count'),
    userTimeoutMs,
    requiredPeer,
  };
}
