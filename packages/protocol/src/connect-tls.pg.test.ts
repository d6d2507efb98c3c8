import { execFile } from 'node:child_process';
import { createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Authority,
  backend,
  type Cluster,
  createAuthority,
  startCluster,
  type TemporaryDirectory,
  temporaryDirectory,
} from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import { resolveConnection } from './resolve-connection.ts';
import { relay, serveTls } from './tls-server.test-support.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
const password = 'correct horse';
const authority: Authority = createAuthority();
const server = authority.issue({ commonName: 'db.example', names: ['db.example', '127.0.0.1'] });
const plusAndPlain = backend.authenticationSasl(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']);
const plainOnly = backend.authenticationSasl(['SCRAM-SHA-256']);

const hba = [
  'hostssl replication by_cert samehost trust clientcert=verify-full',
  'hostssl replication either samehost scram-sha-256 clientcert=verify-ca',
  'host replication in_scram samehost scram-sha-256',
  'host replication in_md5 samehost md5',
  'host replication in_clear samehost password',
];
const roles = [
  'create role by_cert login replication',
  `create role either login replication password '${password}'`,
  `create role in_scram login replication password '${password}'`,
  `create role in_clear login replication password '${password}'`,
  `set password_encryption = 'md5'; create role in_md5 login replication password '${password}'`,
];

let pg: Cluster;
let directory: TemporaryDirectory;
let sslrootcert: string;

beforeAll(async () => {
  directory = await temporaryDirectory('protocol-tls');
  sslrootcert = await file('root.crt', authority.certificate);
  pg = await startCluster({ major: 18, segmentSizeMb: 1, hba, tls: { ...server, authority: authority.certificate } });
  for (const role of roles) await pg.query(role);
});
afterAll(async () => {
  await pg?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

async function file(name: string, content: string): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

/** Files of a client certificate, as parameters. */
async function certificate(commonName: string, issuer = authority): Promise<{ sslcert: string; sslkey: string }> {
  const own = issuer.issue({ commonName });
  return { sslcert: await file(`${commonName}.crt`, own.certificate), sslkey: await file(`${commonName}.key`, own.privateKey) };
}

/** Connects with these parameters; gives the error, or whether the connection is encrypted. */
async function outcome(parameters: Readonly<Record<string, string | number>>): Promise<unknown> {
  const conninfo = pg.conninfo({ sslmode: 'require', application_name: 'outcome', ...parameters });
  try {
    const resolved = await resolveConnection(conninfo, { replication: true, environment: {}, homeDirectory: directory.path });
    await using connection = await connectReplication(resolved, { signal });
    const [row] = await pg.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = $1', [connection.backendPid]);
    return row?.ssl === true ? 'encrypted' : 'plain';
  } catch (error) {
    return error;
  }
}

const refused = (message: string): unknown =>
  expect.objectContaining({ code: 'ERR_AUTHENTICATION', retry: 'fatal', message: expect.stringContaining(message) as string });

describe('require_auth', () => {
  test.each([
    ['in_scram', 'scram-sha-256', 'encrypted'],
    ['in_scram', 'md5,scram-sha-256', 'encrypted'],
    ['in_scram', '!none,!md5,!password', 'encrypted'],
    ['in_md5', 'md5', 'encrypted'],
    ['in_clear', 'password', 'encrypted'],
    ['postgres', 'none', 'encrypted'],
    ['postgres', '!scram-sha-256', 'encrypted'],
  ])('lets %s in by %s', async (user, method, expected) => {
    expect(await outcome({ user, password, require_auth: method })).toBe(expected);
  });

  test.each([
    ['in_clear', 'scram-sha-256', 'failed: the server asks for the password in clear'],
    ['in_clear', '!password', 'failed: the server asks for the password in clear'],
    ['in_md5', 'scram-sha-256,none', 'failed: the server asks for an MD5 hash of the password'],
    ['in_scram', 'none,md5', 'failed: the server asks for SCRAM'],
    ['postgres', 'scram-sha-256', 'failed: the server lets everybody in'],
    ['postgres', '!none', 'failed: the server lets everybody in'],
  ])('refuses what the server asks of %s when it is %s', async (user, method, message) => {
    expect(await outcome({ user, password, require_auth: method })).toEqual(refused(`requirement "${method}" ${message}`));
  });
});

/** The keys of role in_scram, as the server has derived them. */
async function keys(): Promise<{ scram_client_key: string; scram_server_key: string }> {
  const verifier = (await pg.value(`select rolpassword from pg_authid where rolname = 'in_scram'`)) ?? '';
  const [, iterations = '', salt = ''] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const key = (name: string): string => createHmac('sha256', salted).update(name).digest('base64');
  return { scram_client_key: key('Client Key'), scram_server_key: key('Server Key') };
}

describe('keys in place of the password', () => {
  test('let us in by SCRAM without it, and prove the server', async () => {
    const both = await keys();
    expect(await outcome({ user: 'in_scram', ...both })).toBe('encrypted');
    expect(await outcome({ user: 'in_scram', scram_client_key: both.scram_client_key, password })).toBe('encrypted');
    expect(await outcome({ user: 'in_scram', scram_client_key: both.scram_client_key })).toEqual(
      refused('asks for the password'),
    );
    expect(await outcome({ user: 'in_scram', ...both, scram_client_key: both.scram_server_key })).toMatchObject({
      sqlState: '28P01',
    });
    expect(await outcome({ user: 'in_scram', ...both, scram_server_key: both.scram_client_key })).toEqual(
      refused('did not prove'),
    );
  });
});

/** Takes channel binding out of the server's offer. */
const strip = (data: Buffer): Buffer => (data.equals(plusAndPlain) ? plainOnly : data);

describe('a man in the middle who has a certificate of his own', () => {
  const own = createAuthority('mallory').issue({ commonName: 'db.example', names: ['db.example'] });
  /** Connects through him; what the server says passes through `change`. */
  async function through(change: (data: Buffer) => Buffer, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    await using mallory = await serveTls({ cert: own.certificate, key: own.privateKey }, relay(pg.port, change));
    return await outcome({ port: mallory.port, user: 'in_scram', password, ...parameters });
  }

  test('is found out by the server, since SCRAM is bound to his channel and not to ours', async () => {
    expect(await through((data) => data, {})).toMatchObject({ code: 'ERR_AUTHENTICATION', sqlState: '28000' });
  });

  test('is found out by us when he takes channel binding out of the offer and it is required', async () => {
    expect(await through(strip, { channel_binding: 'require' })).toEqual(refused('channel_binding is required'));
  });

  test('is found out by the server when he takes channel binding out of the offer and we say that we could', async () => {
    const error = await through(strip, { channel_binding: 'prefer' });
    expect(error).toMatchObject({ sqlState: '28000', message: expect.stringContaining('SCRAM channel binding') as string });
  });

  test('is not found out where neither the certificate nor the binding is checked, which is why there is verify-full', async () => {
    expect(await through(strip, { channel_binding: 'disable' })).toBe('encrypted');
    const verified = {
      channel_binding: 'disable',
      sslmode: 'verify-full',
      sslrootcert,
      host: 'db.example',
      hostaddr: '127.0.0.1',
    };
    expect(await through(strip, verified)).toMatchObject({ code: 'ERR_TLS', retry: 'fatal' });
  });
});

describe('a client certificate', () => {
  test('of the right name is taken where the server looks at it (clientcert=verify-full)', async () => {
    expect(await outcome({ user: 'by_cert', ...(await certificate('by_cert')) })).toBe('encrypted');
  });

  test('of another name, or none at all, is refused by the server', async () => {
    expect(await outcome({ user: 'by_cert', ...(await certificate('other')) })).toMatchObject({ sqlState: '28000' });
    expect(await outcome({ user: 'by_cert' })).toMatchObject({ sqlState: '28000' });
    expect(await outcome({ user: 'by_cert', ...(await certificate('by_cert')), sslcertmode: 'disable' })).toMatchObject({
      sqlState: '28000',
    });
  });

  test('and a password can be asked for together', async () => {
    const own = await certificate('anybody');
    expect(await outcome({ user: 'either', password, ...own, sslcertmode: 'require' })).toBe('encrypted');
    expect(await outcome({ user: 'either', password })).toMatchObject({ sqlState: '28000' });
  });

  test('that must be asked for (sslcertmode=require) is refused to a server that does not', async () => {
    const own = await certificate('by_cert');
    await using plain = await startCluster({ major: 14, segmentSizeMb: 1, tls: server });
    const unasked = await outcome({ port: plain.port, ...own, sslcertmode: 'require' });
    expect(unasked).toEqual(refused('the server did not ask for a client certificate'));
    const unencrypted = await outcome({ ...own, sslmode: 'disable', sslcertmode: 'require' });
    expect(unencrypted).toEqual(refused('the server did not ask for a client certificate'));
    expect(await outcome({ port: plain.port, ...own })).not.toEqual(unasked);
  });
});

describe('revocation lists', () => {
  test('are honoured in files with several and in directories', async () => {
    const other = createAuthority('another CA');
    const [ours, theirs] = [
      await revoke(authority, server.certificate),
      await revoke(other, other.issue({ commonName: 'x' }).certificate),
    ];
    const innocent = await revoke(authority, authority.issue({ commonName: 'y' }).certificate);
    const revoked = { code: 'ERR_TLS', retry: 'fatal', message: expect.stringContaining('is revoked (CERT_REVOKED)') as string };
    const tls = { sslmode: 'verify-ca', sslrootcert };
    expect(await outcome({ ...tls, sslcrl: await file('both.crl', `${theirs}${ours}`) })).toMatchObject(revoked);
    expect(await outcome({ ...tls, sslcrl: await file('innocent.crl', `${theirs}${innocent}`) })).toBe('encrypted');
    expect(await outcome({ ...tls, sslcrl: await file('theirs.crl', theirs) })).toMatchObject({
      message: expect.stringContaining('there is no revocation list of the CA') as string,
    });
    const sslcrldir = join(directory.path, 'lists');
    await mkdir(sslcrldir);
    await rename(await file('ours.crl', ours), join(sslcrldir, 'ours.crl'));
    expect(await outcome({ ...tls, sslcrldir })).toMatchObject({ hint: `Prepare it with: openssl rehash ${sslcrldir}` });
    await run('openssl', ['rehash', sslcrldir]);
    expect(await outcome({ ...tls, sslcrldir })).toMatchObject(revoked);
  });
});

test('sslrootcert=system is the store of the operating system, as OpenSSL finds it', async () => {
  const script = `
    import { connectReplication, resolveConnection } from '@walvault/protocol';
    const parameters = await resolveConnection(process.argv[1], { replication: true, environment: {} });
    await using connection = await connectReplication(parameters, { signal: new AbortController().signal });
    console.log('connected');`;
  const conninfo = pg.conninfo({ host: 'db.example', hostaddr: '127.0.0.1', sslrootcert: 'system' });
  const connect = async (roots: string): Promise<string> => {
    const env = { ...process.env, SSL_CERT_FILE: roots, SSL_CERT_DIR: join(directory.path, 'nothing'), NODE_EXTRA_CA_CERTS: '' };
    const args = ['--conditions=@walvault/source', '--input-type=module-typescript', '-e', script, conninfo];
    return await run(process.execPath, args, { env, cwd: import.meta.dirname }).then(
      ({ stdout }) => stdout.trim(),
      (error: unknown) => (error as { stderr: string }).stderr,
    );
  };
  expect(await connect(sslrootcert)).toBe('connected');
  expect(await connect(await file('stranger.crt', createAuthority('stranger').certificate))).toContain(
    'not signed by a CA that is trusted',
  );
  expect(await connect(join(directory.path, 'missing.crt'))).toContain('the operating system has no root certificates');
});

/** The user that the servers of the tests run as. */
async function serverUserName(): Promise<string> {
  const { uid } = await stat(pg.dataDirectory);
  return (await run('id', ['-un', String(uid)])).stdout.trim();
}

describe('a Unix socket', () => {
  test('over a Unix socket of the user that requirepeer names', async () => {
    const socket = { host: pg.socketDirectory, sslmode: 'verify-full' };
    expect(await outcome({ ...socket, requirepeer: await serverUserName() })).toBe('plain');
    expect(await outcome({ ...socket, requirepeer: 'somebody_else' })).toEqual(refused('requirepeer specifies "somebody_else"'));
  });

  test.runIf(process.platform === 'linux')('in the abstract namespace is found', async () => {
    const name = `@walvault-${process.pid}`;
    await pg.query(`alter system set unix_socket_directories = '${pg.socketDirectory}', '${name}'`);
    await pg.stop();
    await pg.start();
    expect(await outcome({ host: name })).toBe('plain');
  });
});

describe('direct negotiation', () => {
  test('works with 18', async () => {
    const direct = { sslnegotiation: 'direct', sslmode: 'verify-full', sslrootcert };
    expect(await outcome(direct)).toBe('encrypted');
  });

  test('is refused by 16, in words', async () => {
    await using old = await startCluster({ major: 16, segmentSizeMb: 1, tls: server });
    expect(await outcome({ port: old.port, sslnegotiation: 'direct', sslmode: 'verify-full', sslrootcert })).toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringContaining('TLS') as string,
    });
  });
});

/** A revocation list of an authority with one certificate on it, in PEM, made by openssl, which must be on the machine. */
async function revoke(issuer: Authority, revoked: string): Promise<string> {
  const home = join(directory.path, `ca-${process.hrtime.bigint()}`);
  await mkdir(home);
  const path = (name: string): string => join(home, name);
  const files = { index: '', 'ca.crt': issuer.certificate, 'ca.key': issuer.privateKey, 'revoked.crt': revoked };
  for (const [name, content] of Object.entries(files)) await writeFile(path(name), content);
  const settings = `[ca]\ndefault_ca = own\n[own]\ndatabase = ${path('index')}\ndefault_md = sha256\ndefault_crl_days = 1\n`;
  await writeFile(path('ca.cnf'), settings);
  const ca = ['ca', '-config', path('ca.cnf'), '-cert', path('ca.crt'), '-keyfile', path('ca.key')];
  await run('openssl', [...ca, '-revoke', path('revoked.crt')]);
  return (await run('openssl', [...ca, '-gencrl'])).stdout;
}
