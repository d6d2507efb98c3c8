/**
 * Parameters that libpq honours and walvault does not. One of them passes when its value means what walvault does
 * anyway; every other value is refused, or at least told of, so that none is ever ignored in silence.
 */
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
const noStoredKeys: Limit = { harmless: [''], hint: 'Give the password itself, best in the password file.' };

const limits: Readonly<Partial<Record<ConninfoKeyword, Limit>>> = {
  target_session_attrs: {
    harmless: ['any'],
    refused: ['read-write', 'read-only', 'primary', 'standby', 'prefer-standby'],
    hint: 'Leave only the wanted server in host, or put an address that follows it (proxy, virtual IP) there.',
  },
  load_balance_hosts: {
    harmless: ['disable'],
    refused: ['random'],
    hint: 'Hosts are tried in the order in which they are given.',
  },
  require_auth: {
    harmless: [''],
    hint: 'Choose the method in pg_hba.conf of the server, and use sslmode=verify-full to be sure of it.',
  },
  requirepeer: { harmless: [''], hint: 'Protect the directory of the Unix socket, or connect by TCP with sslmode=verify-full.' },
  gssencmode: { harmless: ['disable', 'prefer'], refused: ['require'], hint: 'Encrypt by TLS: use sslmode=verify-full.' },
  gssdelegation: { harmless: ['0'], refused: ['1'], hint: 'GSSAPI is not available; remove gssdelegation.' },
  min_protocol_version: {
    harmless: ['', '3.0'],
    refused: ['3.2', 'latest'],
    hint: 'Protocol 3.0 is spoken, which every server supports.',
  },
  max_protocol_version: { harmless: ['', '3.0', '3.2', 'latest'], hint: 'Protocol 3.0 is spoken, which every server supports.' },
  sslcompression: { harmless: ['0', '1'], refused: [], hint: 'TLS compression no longer exists; remove sslcompression.' },
  sslcrldir: { harmless: [''], hint: 'Put the revocation lists into one file and name it by sslcrl.' },
  sslkeylogfile: {
    harmless: [''],
    hint: 'Remove sslkeylogfile; "node --tls-keylog=FILE" writes such a file when one is needed.',
  },
  scram_client_key: noStoredKeys,
  scram_server_key: noStoredKeys,
  oauth_issuer: noOauth,
  oauth_client_id: noOauth,
  oauth_client_secret: noOauth,
  oauth_scope: noOauth,
  oauth_ca_file: noOauth,
};

/**
 * Refuses what cannot be honoured. GSSAPI names (krbsrvname, gsslib) pass: without GSSAPI nothing asks for them.
 * @throws {ConninfoError} `ERR_UNSUPPORTED_CONNINFO`, or `ERR_INVALID_CONNINFO` when libpq would refuse the value too.
 */
export function refuseUnsupported(settings: ConnectionSettings, log: Logger): void {
  for (const [keyword, limit] of Object.entries(limits) as [ConninfoKeyword, Limit][]) checkLimit(settings, keyword, limit);
  const userTimeout = settings.integer('tcp_user_timeout');
  if (userTimeout !== undefined && userTimeout > 0) {
    settings.refuseUnsupported(
      'tcp_user_timeout',
      'Use keepalives_idle to notice a dead connection, or net.ipv4.tcp_retries2 for the whole system.',
    );
  }
  warnOfProbes(settings, log);
}

function checkLimit(settings: ConnectionSettings, keyword: ConninfoKeyword, limit: Limit): void {
  const value = settings.get(keyword);
  if (value === undefined || limit.harmless.includes(value)) return;
  if (limit.refused === undefined && limit.harmless.length === 1) settings.refuseUnsupported(keyword, limit.hint);
  if (limit.refused?.includes(value) === true) settings.refuseUnsupported(keyword, limit.hint, value);
  settings.refuse(keyword, `Allowed values are ${[...limit.harmless, ...(limit.refused ?? [])].filter(Boolean).join(', ')}.`);
}

/** Node sets the idle time of TCP keepalive alone. The rest only says how soon a dead peer is noticed, so a warning is enough. */
function warnOfProbes(settings: ConnectionSettings, log: Logger): void {
  for (const keyword of ['keepalives_interval', 'keepalives_count'] as const) {
    const value = settings.integer(keyword);
    if (value === undefined || value <= 0 || settings.integer('keepalives') === 0) continue;
    log.warn(
      { parameter: keyword },
      `connection parameter ${settings.where(keyword)} has no effect: Node.js chooses the number and interval of keepalive probes itself`,
    );
  }
}
