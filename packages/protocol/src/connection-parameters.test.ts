import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@walvault/wal';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConninfoKeyword, conninfoKeywords } from './conninfo-keywords.ts';
import { resolveConnection } from './resolve-connection.ts';

/** What becomes of a parameter. */
type Fate =
  /** It makes a difference, and the test or tests of this title show which. */
  | { readonly honoured: string; readonly sample: string }
  /** Refused with a reason, unless it says what is done anyway. */
  | { readonly refused: string }
  /** Told of in the log, since the connection is the same without it. */
  | { readonly told: string };

/** Every parameter of libpq 18 (libpq.sgml, "Parameter Key Words"), and of 19 as far as known. */
const fates: Readonly<Record<ConninfoKeyword, Fate>> = {
  host: { sample: 'host=a,b', honoured: 'of %j' },
  hostaddr: { sample: 'hostaddr=10.0.0.1', honoured: 'dials the address that is given beside a name, and names both' },
  port: { sample: 'port=6000', honoured: 'of %j' },
  dbname: { sample: 'dbname=d', honoured: 'not for a database that does not exist' },
  user: { sample: 'user=u', honoured: 'asks for replication and sends what the parameters say' },
  password: { sample: 'password=p', honoured: 'sends a password in clear when asked for it' },
  passfile: { sample: 'passfile=%HOME%/passfile', honoured: 'come from the file that passfile or PGPASSFILE names' },
  service: {
    sample: 'service=s servicefile=%HOME%/services',
    honoured: 'a service file can be named by the string or the environment',
  },
  servicefile: {
    sample: 'service=s servicefile=%HOME%/services',
    honoured: 'a service file can be named by the string or the environment',
  },
  application_name: { sample: 'application_name=a', honoured: 'asks for replication and sends what the parameters say' },
  fallback_application_name: {
    sample: 'fallback_application_name=a',
    honoured: 'application_name comes from the string, then PGAPPNAME, then the fallbacks',
  },
  client_encoding: { told: 'client_encoding=LATIN1' },
  options: { sample: "options='-c a=b'", honoured: 'asks for replication and sends what the parameters say' },
  replication: { refused: 'replication=database' },
  connect_timeout: { sample: 'connect_timeout=7', honoured: 'connect_timeout ends the wait for a server that is silent' },
  keepalives: { sample: 'keepalives=0', honoured: 'are left alone when they are off, or nothing is said of them' },
  keepalives_idle: { sample: 'keepalives_idle=7', honoured: 'are with the kernel' },
  keepalives_interval: {
    sample: 'keepalives_interval=7',
    honoured: 'are set as they are given, and the rest as the system has it',
  },
  keepalives_count: { sample: 'keepalives_count=7', honoured: 'are set as they are given, and the rest as the system has it' },
  tcp_user_timeout: { sample: 'tcp_user_timeout=7', honoured: 'ends a connection whose peer takes nothing more' },
  target_session_attrs: { sample: 'target_session_attrs=primary', honoured: 'target_session_attrs=%s takes the %s' },
  load_balance_hosts: {
    sample: 'load_balance_hosts=random',
    honoured: 'load_balance_hosts=random begins at every host, and tries all of them',
  },
  require_auth: { sample: 'require_auth=scram-sha-256', honoured: 'refuses what the server asks of %s when it is %s' },
  requirepeer: { sample: 'requirepeer=postgres', honoured: 'over a Unix socket of the user that requirepeer names' },
  channel_binding: { sample: 'channel_binding=require', honoured: 'by SCRAM over TLS with channel binding: %s' },
  scram_client_key: {
    sample: `scram_client_key=${'A'.repeat(43)}=`,
    honoured: 'let us in by SCRAM without it, and prove the server',
  },
  scram_server_key: {
    sample: `scram_server_key=${'A'.repeat(43)}=`,
    honoured: 'let us in by SCRAM without it, and prove the server',
  },
  min_protocol_version: { sample: 'min_protocol_version=3.2', honoured: 'goes back to 3.0 with a server that has no more' },
  max_protocol_version: { sample: 'max_protocol_version=latest', honoured: 'goes back to 3.0 with a server that has no more' },
  sslmode: { sample: 'sslmode=require', honoured: 'mode %s connects over %s' },
  sslnegotiation: {
    sample: 'sslmode=require sslnegotiation=direct',
    honoured: 'direct negotiation works from 17 on and says so before',
  },
  sslcompression: { refused: 'sslcompression=yes' },
  sslcert: { sample: 'sslcert=c', honoured: 'authenticates by it' },
  sslkey: { sample: 'sslkey=k', honoured: 'authenticates by it' },
  sslpassword: {
    sample: 'sslpassword=p',
    honoured: 'with an encrypted key take its password from sslpassword, and never show it',
  },
  sslcertmode: {
    sample: 'sslcertmode=require',
    honoured: 'that must be asked for (sslcertmode=require) is refused to a server that does not',
  },
  sslrootcert: {
    sample: 'sslrootcert=system',
    honoured: 'sslrootcert=system is the store of the operating system, as OpenSSL finds it',
  },
  sslcrl: { sample: 'sslcrl=c', honoured: 'are honoured in files with several and in directories' },
  sslcrldir: { sample: 'sslcrldir=c', honoured: 'are honoured in files with several and in directories' },
  sslsni: { sample: 'sslsni=0', honoured: 'is sent in the handshake: %s' },
  sslkeylogfile: { sample: 'sslkeylogfile=k', honoured: 'for the secrets of sessions are appended to, for their owner alone' },
  ssl_min_protocol_version: { sample: 'ssl_min_protocol_version=TLSv1.3', honoured: 'versions are kept to' },
  ssl_max_protocol_version: { sample: 'ssl_max_protocol_version=TLSv1.2', honoured: 'versions are kept to' },
  gssencmode: { refused: 'gssencmode=require' },
  gssdelegation: { refused: 'gssdelegation=1' },
  gsslib: { told: 'gsslib=gssapi' },
  krbsrvname: { told: 'krbsrvname=postgres' },
  oauth_issuer: { refused: 'oauth_issuer=https://issuer.example' },
  oauth_client_id: { refused: 'oauth_client_id=c' },
  oauth_client_secret: { refused: 'oauth_client_secret=s' },
  oauth_scope: { refused: 'oauth_scope=s' },
  oauth_ca_file: { refused: 'oauth_ca_file=f' },
};

/** PQconninfoOptions of PostgreSQL 18, without the two that are for debugging. */
const libpq18 = `
  service servicefile user password passfile channel_binding connect_timeout dbname host hostaddr port client_encoding options
  application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout sslmode
  sslnegotiation sslcompression sslcert sslkey sslcertmode sslpassword sslrootcert sslcrl sslcrldir sslsni requirepeer require_auth
  min_protocol_version max_protocol_version ssl_min_protocol_version ssl_max_protocol_version gssencmode krbsrvname gsslib
  gssdelegation replication target_session_attrs load_balance_hosts scram_client_key scram_server_key oauth_issuer oauth_client_id
  oauth_client_secret oauth_scope sslkeylogfile`
  .trim()
  .split(/\s+/);

let home: string;
/** The sources of all other tests. */
let tests: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'walvault-home-'));
  await writeFile(join(home, 'passfile'), '*:*:*:*:secret\n', { mode: 0o600 });
  await writeFile(join(home, 'services'), '[s]\nuser=service\n');
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.ts'));
  const others = names.filter((name) => name !== 'connection-parameters.test.ts');
  tests = (await Promise.all(others.map((name) => readFile(join(import.meta.dirname, name), 'utf8')))).join('\n');
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** Resolves a conninfo; `warnings` gets what was told of. */
async function resolve(conninfo: string, warnings: string[] = []): Promise<unknown> {
  const log: Logger = { ...silentLogger, warn: (_fields, message) => void warnings.push(message) };
  const text = conninfo.replaceAll('%HOME%', home);
  return await resolveConnection(text, { environment: {}, homeDirectory: home, replication: true, log });
}

test('the parameters are those of libpq', () => {
  expect(conninfoKeywords).toEqual(expect.arrayContaining(libpq18));
  // What 19 adds.
  expect(conninfoKeywords.filter((keyword) => !libpq18.includes(keyword))).toEqual(['oauth_ca_file']);
});

describe.each(Object.entries(fates))('%s', (keyword, fate) => {
  if ('honoured' in fate) {
    test('is honoured: it makes a difference, and a test shows which', async () => {
      const warnings: string[] = [];
      expect(await resolve(fate.sample, warnings)).not.toEqual(await resolve(''));
      expect(warnings).toEqual([]);
      expect(tests).toContain(fate.honoured);
    });
  } else if ('refused' in fate) {
    test('is refused, with a reason that names it', async () => {
      await expect(resolve(fate.refused)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(UNSUPPORTED|INVALID)_CONNINFO$/) as string,
        message: expect.stringContaining(keyword) as string,
        hint: expect.stringMatching(/^[A-Z].*\.$/) as string,
      });
    });
  } else {
    test('is told of, and makes no difference', async () => {
      const warnings: string[] = [];
      expect(await resolve(fate.told, warnings)).toEqual(await resolve(''));
      expect(warnings).toEqual([expect.stringContaining(`connection parameter ${keyword} has no effect: `)]);
    });
  }
});
