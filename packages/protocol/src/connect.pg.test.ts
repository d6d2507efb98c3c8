import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Authority,
  type Cluster,
  createAuthority,
  startCluster,
  type TemporaryDirectory,
  temporaryDirectory,
} from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestParameters, testParameters } from './parameters.test-support.ts';
import { connectReplication, connectSql } from './connect.ts';
import type { TlsParameters } from './connection-parameters.ts';

const { signal } = new AbortController();
const password = 'pä55 wörd\u00A0\u2168';

const hba = [
  'host replication in_clear samehost password',
  'host replication in_md5 samehost md5',
  'host all,replication in_scram samehost scram-sha-256',
  'local replication in_scram scram-sha-256',
  'hostssl replication by_cert samehost cert',
  'hostssl replication only_tls samehost trust',
  'hostssl replication only_plain samehost reject',
  'host replication only_tls,refused samehost reject',
];
const roles = [
  `set password_encryption = 'md5'; create role in_md5 login replication password 'secret'`,
  `set password_encryption = 'scram-sha-256'; create role in_scram login replication password '${password}'`,
  `create role in_clear login replication password 'secret'`,
  ...['by_cert', 'only_tls', 'only_plain', 'refused'].map((name) => `create role ${name} login replication`),
  'create role no_replication login',
];

const authority: Authority = createAuthority();
const stranger: Authority = createAuthority('somebody else');
let directory: TemporaryDirectory;

/** Writes a file that only we can read, and gives its path. */
async function file(name: string, content: string): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

/** A client certificate with its key, in files. */
async function identity(name: string, issuer: Authority, commonName = 'by_cert'): Promise<Partial<TlsParameters>> {
  const own = issuer.issue({ commonName });
  return {
    mode: 'require',
    certificate: await file(`${name}.crt`, own.certificate),
    key: await file(`${name}.key`, own.privateKey),
  };
}

beforeAll(async () => {
  directory = await temporaryDirectory('protocol');
});
afterAll(async () => {
  await directory[Symbol.asyncDispose]();
});

describe.each([18, 14] as const)('PostgreSQL %i', (major) => {
  const server = authority.issue({ commonName: 'db.example', names: ['db.example', '127.0.0.1'] });
  let pg: Cluster;
  let rootCertificate = '';

  beforeAll(async () => {
    pg = await startCluster({ major, segmentSizeMb: 1, hba, tls: { ...server, authority: authority.certificate } });
    for (const role of roles) await pg.query(role);
    rootCertificate = await file('root.crt', authority.certificate);
  });
  afterAll(async () => {
    await pg?.[Symbol.asyncDispose]();
  });

  /** Who the server takes us for, over which kind of connection. */
  async function replicationAs(user: string, options: Partial<TestParameters> = {}): Promise<string> {
    await using connection = await connectReplication(testParameters({ port: pg.port, user, ...options }), { signal });
    const sql = `select usename || ' ' || case when ssl then version else 'plain' end
      from pg_stat_ssl join pg_stat_activity using (pid) where pid = $1 and backend_type = 'walsender'`;
    return (await pg.value(sql, [connection.backendPid])) ?? 'no walsender';
  }

  async function inTls(tls: Partial<TlsParameters>, options: Partial<TestParameters> = {}): Promise<string> {
    return await replicationAs('postgres', { ...options, tls });
  }

  describe('authenticates', () => {
    test.each([
      ['by trust', 'postgres', undefined],
      ['by a password in clear', 'in_clear', 'secret'],
      ['by MD5', 'in_md5', 'secret'],
      ['by SCRAM with a password beyond ASCII', 'in_scram', password],
    ])('%s', async (_name, user, given) => {
      expect(await replicationAs(user, { password: given })).toBe(`${user} plain`);
    });

    test('by SCRAM over a Unix socket, where no TLS mode counts', async () => {
      const options = { host: pg.socketDirectory, password, tls: { mode: 'verify-full' } } as const;
      expect(await replicationAs('in_scram', options)).toBe('in_scram plain');
      await expect(replicationAs('in_scram', { ...options, password: 'wrong' })).rejects.toMatchObject({ sqlState: '28P01' });
    });

    test.each(['disable', 'prefer', 'require'] as const)('by SCRAM over TLS with channel binding: %s', async (channelBinding) => {
      const options = { password, channelBinding, tls: { mode: 'require' } } as const;
      expect(await replicationAs('in_scram', options)).toBe('in_scram TLSv1.3');
    });

    test('not at all where channel binding is required and there is no TLS', async () => {
      await expect(replicationAs('in_scram', { password, channelBinding: 'require' })).rejects.toMatchObject({
        code: 'ERR_AUTHENTICATION',
        message: expect.stringContaining('channel_binding is required') as string,
      });
    });

    test.each(['in_clear', 'in_md5', 'in_scram'])('%s not with a wrong password, which no error shows', async (user) => {
      const error: unknown = await replicationAs(user, { password: 'wr0ng-secret' }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'ERR_AUTHENTICATION', sqlState: '28P01', retry: 'fatal' });
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).stack)).not.toContain('wr0ng');
    });

    test('not without the password that is asked for', async () => {
      await expect(replicationAs('in_scram')).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION', sqlState: undefined });
    });

    test('not where pg_hba.conf does not let us, and says which line would', async () => {
      await expect(replicationAs('refused')).rejects.toMatchObject({
        code: 'ERR_AUTHENTICATION',
        sqlState: '28000',
        hint: expect.stringContaining('"host replication refused 127.0.0.1/32 scram-sha-256"') as string,
      });
    });

    test('not a role that does not exist', async () => {
      await expect(replicationAs('nobody_at_all')).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION', sqlState: '28000' });
    });

    test('not for replication a role without that attribute', async () => {
      await expect(replicationAs('no_replication')).rejects.toMatchObject({
        code: 'ERR_SERVER',
        sqlState: '42501',
        retry: 'fatal',
        hint: 'Run on the server: ALTER ROLE no_replication REPLICATION;',
      });
    });
  });

  describe('with TLS', () => {
    test.each([
      ['disable', 'plain'],
      ['allow', 'plain'],
      ['prefer', 'TLSv1.3'],
      ['require', 'TLSv1.3'],
    ] as const)('mode %s connects over %s', async (mode, expected) => {
      expect(await inTls({ mode })).toBe(`postgres ${expected}`);
    });

    test('mode "allow" turns to TLS where the server wants it', async () => {
      expect(await replicationAs('only_tls', { tls: { mode: 'allow' } })).toBe('only_tls TLSv1.3');
    });

    test('mode "prefer" turns to plain text where the server wants it', async () => {
      expect(await replicationAs('only_plain', { tls: { mode: 'prefer' } })).toBe('only_plain plain');
    });

    test('mode "disable" stays without, and "require" with it', async () => {
      await expect(replicationAs('only_tls')).rejects.toMatchObject({ sqlState: '28000' });
      await expect(replicationAs('only_plain', { tls: { mode: 'require' } })).rejects.toMatchObject({
        sqlState: '28000',
        hint: expect.stringContaining('"hostssl replication only_plain') as string,
      });
    });

    test.each([
      ['the name in the certificate', { host: 'db.example', hostAddress: '127.0.0.1' }],
      ['the address in the certificate', {}],
    ])('mode "verify-full" takes %s', async (_name, options) => {
      expect(await inTls({ mode: 'verify-full', rootCertificate }, options)).toBe('postgres TLSv1.3');
    });

    test('mode "verify-full" refuses another name, "verify-ca" does not look at it', async () => {
      const host = { host: 'other.example', hostAddress: '127.0.0.1' };
      await expect(inTls({ mode: 'verify-full', rootCertificate }, host)).rejects.toMatchObject({
        code: 'ERR_TLS',
        retry: 'fatal',
        message: 'the certificate of the server is not made out to "other.example"',
      });
      expect(await inTls({ mode: 'verify-ca', rootCertificate }, host)).toBe('postgres TLSv1.3');
    });

    test.each(['require', 'verify-ca', 'verify-full'] as const)('mode "%s" refuses a certificate of another CA', async (mode) => {
      const other = await file(`stranger-${mode}.crt`, stranger.certificate);
      await expect(inTls({ mode, rootCertificate: other })).rejects.toMatchObject({ code: 'ERR_TLS', retry: 'fatal' });
    });

    test('the trust store of the system does not know our CA', async () => {
      await expect(inTls({ mode: 'verify-full', rootCertificate: 'system' })).rejects.toMatchObject({ code: 'ERR_TLS' });
    });

    test.each(['verify-ca', 'verify-full'] as const)('mode "%s" needs a root certificate', async (mode) => {
      await expect(inTls({ mode })).rejects.toThrow(`sslmode ${mode} needs a root certificate, and there is none`);
    });

    test('a root certificate that cannot be read or is none is an error', async () => {
      const missing = join(directory.path, 'missing.crt');
      await expect(inTls({ mode: 'require', rootCertificate: missing })).rejects.toThrow('no such file or directory');
      const nonsense = await file('nonsense.crt', 'no PEM');
      await expect(inTls({ mode: 'require', rootCertificate: nonsense })).rejects.toMatchObject({ code: 'ERR_TLS' });
    });

    test('versions are kept to', async () => {
      expect(await inTls({ mode: 'require', maximumVersion: 'TLSv1.2' })).toBe('postgres TLSv1.2');
      expect(await inTls({ mode: 'require', minimumVersion: 'TLSv1.3' })).toBe('postgres TLSv1.3');
    });

    test('direct negotiation works from 17 on and says so before', async () => {
      const direct = inTls({ mode: 'verify-full', negotiation: 'direct', rootCertificate });
      if (major >= 17) expect(await direct).toBe('postgres TLSv1.3');
      else await expect(direct).rejects.toMatchObject({ code: 'ERR_TLS' });
    });

    test('a revoked certificate is refused', async () => {
      const revocationList = await revoke(server.certificate);
      await expect(inTls({ mode: 'verify-ca', rootCertificate, revocationList })).rejects.toThrow('CERT_REVOKED');
    });

    describe('and a client certificate', () => {
      test('authenticates by it', async () => {
        expect(await replicationAs('by_cert', { tls: await identity('good', authority) })).toBe('by_cert TLSv1.3');
      });

      test('takes a key under a password', async () => {
        const tls = await identity('locked', authority);
        const own = authority.issue({ commonName: 'by_cert' });
        const locked = createPrivateKey(own.privateKey).export({
          ...({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' } as const),
        });
        const files = {
          certificate: await file('locked.crt', own.certificate),
          key: await file('locked.key', locked.toString()),
        };
        expect(await replicationAs('by_cert', { tls: { ...tls, ...files, keyPassword: 'open' } })).toBe('by_cert TLSv1.3');
        await expect(replicationAs('by_cert', { tls: { ...tls, ...files } })).rejects.toMatchObject({ code: 'ERR_TLS' });
      });

      test('is refused without one, and with one of somebody else', async () => {
        await expect(replicationAs('by_cert', { tls: { mode: 'require' } })).rejects.toMatchObject({ sqlState: '28000' });
        const other = await identity('other', authority, 'somebody');
        await expect(replicationAs('by_cert', { tls: other })).rejects.toMatchObject({ sqlState: '28000' });
      });

      test('of an unknown CA is an error of TLS', async () => {
        const tls = await identity('unknown', stranger);
        await expect(replicationAs('by_cert', { tls })).rejects.toMatchObject({ code: 'ERR_TLS', retry: 'fatal' });
      });

      test('is not used when others can read its key, or when it has none', async () => {
        const tls = await identity('open', authority);
        await chmod(tls.key ?? '', 0o644);
        await expect(replicationAs('by_cert', { tls })).rejects.toThrow(/can be read by group or others$/);
        await expect(replicationAs('by_cert', { tls: { ...tls, key: undefined } })).rejects.toThrow('no private key');
        const missing = join(directory.path, 'missing.key');
        await expect(replicationAs('by_cert', { tls: { ...tls, key: missing } })).rejects.toThrow('no such file or directory');
      });
    });
  });

  describe('takes SQL', () => {
    test('with parameters, NULL and all characters, and gives text', async () => {
      await using sql = await connectSql(testParameters({ port: pg.port, applicationName: 'ä' }), { signal });
      expect([sql.majorVersion, sql.serverVersion]).toEqual([major, Number(await pg.value('show server_version_num'))]);
      const rows = await sql.query(
        `select $1::int + 1 as sum, $2::text as nothing, 'ä€😀' as text, true as yes, generate_series(1, 2) as n`,
        ['41', null],
      );
      expect(rows).toEqual(['1', '2'].map((n) => ({ sum: '42', nothing: null, text: 'ä€😀', yes: 't', n })));
      expect(await sql.query('set work_mem = 64')).toEqual([]);
      expect(await sql.query(`select current_setting('application_name') as name, pg_backend_pid() as pid`)).toEqual([
        { name: expect.any(String) as string, pid: String(sql.backendPid) },
      ]);
    });

    test('and goes on after an error, which has all fields', async () => {
      await using sql = await connectSql(testParameters({ port: pg.port }), { signal });
      const failing = sql.query('select * from no_such_table');
      const next = sql.query('select 1 as one');
      await expect(failing).rejects.toMatchObject({
        code: 'ERR_SERVER',
        sqlState: '42P01',
        severity: 'ERROR',
        position: '15',
        retry: 'fatal',
        routine: 'parserOpenTable',
      });
      expect(await next).toEqual([{ one: '1' }]);
    });

    test('not for a database that does not exist', async () => {
      const parameters = testParameters({ port: pg.port, database: 'no_such_database' });
      await expect(connectSql(parameters, { signal })).rejects.toMatchObject({ code: 'ERR_SERVER', sqlState: '3D000' });
    });
  });
});

/** A revocation list of the authority with one certificate on it, made by openssl, which must be on the machine. */
async function revoke(certificate: string): Promise<string> {
  const home = join(directory.path, `crl-${process.hrtime.bigint()}`);
  await mkdir(home);
  const inHome = (name: string): string => join(home, name);
  await writeFile(inHome('index'), '');
  await writeFile(inHome('ca.crt'), authority.certificate);
  await writeFile(inHome('ca.key'), authority.privateKey);
  await writeFile(inHome('revoked.crt'), certificate);
  await writeFile(
    inHome('ca.cnf'),
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${inHome('index')}\ndefault_md = sha256\ndefault_crl_days = 1\n`,
  );
  const ca = (...args: string[]): Promise<unknown> =>
    promisify(execFile)('openssl', [
      'ca',
      '-config',
      inHome('ca.cnf'),
      '-cert',
      inHome('ca.crt'),
      '-keyfile',
      inHome('ca.key'),
      ...args,
    ]);
  await ca('-revoke', inHome('revoked.crt'));
  await ca('-gencrl', '-out', inHome('revoked.crl'));
  return inHome('revoked.crl');
}
