/**
 * Parameters that libpq honours and walvault does not. One of them passes when its value means what walvault does
 * anyway; every other value is refused, or at least told of, so that none is ever ignored in silence.
 */
import { Socket } from 'node:net';
import type { Logger } from '@walvault/wal';
import type { ConninfoKeyword } from './conninfo-keywords.ts';
import type { ConnectionSettings } from './connection-settings.ts';

interface Limit {
  /** Values that make no difference. */
  readonly harmless: readonly string[];
  /** Values that libpq allows besides; undefined for free text. */
  readonly refused?: readonly string[];
  /** What to do instead, as a full sentence. */
  readonly hint: string;
}

const noOauth: Limit = { harmless: [''], hint: 'Log in by password, SCRAM or client certificate; OAuth is not available.' };

const limits: Readonly<Partial<Record<ConninfoKeyword, Limit>>> = {
  gssencmode: { harmless: ['disable', 'prefer'], refused: ['require'], hint: 'Encrypt by TLS: use sslmode=verify-full.' },
  gssdelegation: { harmless: ['0'], refused: ['1'], hint: 'GSSAPI is not available; remove gssdelegation.' },
  sslcompression: { harmless: ['0', '1'], refused: [], hint: 'TLS compression no longer exists; remove sslcompression.' },
  oauth_issuer: noOauth,
  oauth_client_id: noOauth,
  oauth_client_secret: noOauth,
  oauth_scope: noOauth,
  oauth_ca_file: noOauth,
};

/** Parameters that say how GSSAPI is to be done, which nothing here does: a server that asks for it is refused by name. */
const gssapiDetails = ['krbsrvname', 'gsslib'] as const satisfies readonly ConninfoKeyword[];

/** Names of UTF-8 (pg_char_to_encoding takes them in any case), and of the encoding of the locale. */
const utf8 = /^(utf-?8|unicode|auto|)$/i;

/**
 * Refuses what cannot be honoured.
 * @throws {ConninfoError} `ERR_UNSUPPORTED_CONNINFO`, or `ERR_INVALID_CONNINFO` when libpq would refuse the value too.
 */
export function refuseUnsupported(settings: ConnectionSettings): void {
  for (const [keyword, limit] of Object.entries(limits) as [ConninfoKeyword, Limit][]) checkLimit(settings, keyword, limit);
}

function checkLimit(settings: ConnectionSettings, keyword: ConninfoKeyword, limit: Limit): void {
  const value = settings.get(keyword);
  if (value === undefined || limit.harmless.includes(value)) return;
  if (limit.refused === undefined && limit.harmless.length === 1) settings.refuseUnsupported(keyword, limit.hint);
  if (limit.refused?.includes(value) === true) settings.refuseUnsupported(keyword, limit.hint, value);
  settings.refuse(keyword, `Allowed values are ${[...limit.harmless, ...(limit.refused ?? [])].filter(Boolean).join(', ')}.`);
}

/** Node.js sets them since 24.19; the versions before take the arguments and leave them alone. */
const setsKeepaliveProbes = Socket.prototype.setKeepAlive.length >= 4;

/** Tells of parameters without which the connection is just as it should be. */
export function tellOfNoEffect(settings: ConnectionSettings, log: Logger, canSetProbes: boolean = setsKeepaliveProbes): void {
  const tell = (keyword: ConninfoKeyword, why: string): void =>
    log.warn({ parameter: keyword }, `connection parameter ${settings.where(keyword)} has no effect: ${why}`);
  if (!utf8.test(settings.get('client_encoding') ?? '')) tell('client_encoding', 'text is always exchanged as UTF-8');
  for (const keyword of gssapiDetails) {
    if (settings.text(keyword) !== undefined) tell(keyword, 'GSSAPI is not available');
  }
  for (const keyword of ['keepalives_interval', 'keepalives_count'] as const) {
    if (!canSetProbes && (settings.integer(keyword) ?? 0) > 0) tell(keyword, 'it needs Node.js 24.19 or later');
  }
}
