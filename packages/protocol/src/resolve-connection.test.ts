import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@walvault/wal';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionParameters } from './connection-parameters.ts';
import { gatherSettings } from './connection-settings.ts';
import { resolveConnection, type ResolveConnectionOptions } from './resolve-connection.ts';
import { resolveSocket } from './resolve-socket.ts';
import { tellOfNoEffect } from './unsupported-parameters.ts';

let home: string;
let warnings: string[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'walvault-home-'));
  warnings = [];
});
afterEach(() => rm(home, { recursive: true, force: true }));

const resolve = (conninfo: string, options: ResolveConnectionOptions = {}): Promise<ConnectionParameters> => {
  const log: Logger = { ...silentLogger, warn: (_fields, message) => warnings.push(message) };
  return resolveConnection(conninfo, { environment: {}, homeDirectory: home, log, ...options });
};

const places = async (conninfo: string, options?: ResolveConnectionOptions): Promise<string[]> =>
  (await resolve(conninfo, options)).hosts.map(
    ({ host, hostAddress, port, isUnixSocket }) => `${host}|${hostAddress ?? ''}|${port}${isUnixSocket ? '|socket' : ''}`,
  );

const passwords = async (conninfo: string, options?: ResolveConnectionOptions): Promise<(string | undefined)[]> =>
  (await resolve(conninfo, options)).hosts.map(({ password }) => password);

const applicationName = async (conninfo: string, options?: ResolveConnectionOptions): Promise<string | undefined> =>
  (await resolve(conninfo, options)).applicationName;

const socketDirectory = existsSync('/var/run/postgresql') ? '/var/run/postgresql' : '/tmp';

describe('defaults', () => {
  test('of an empty string are those of libpq', async () => {
    const user = userInfo().username;
    expect(await resolve('')).toEqual({
      hosts: [{ host: socketDirectory, hostAddress: undefined, port: 5432, isUnixSocket: true, password: undefined }],
      inRandomOrder: false,
      targetSession: 'any',
      user,
      database: user,
      applicationName: undefined,
      options: undefined,
      connectTimeoutMs: 0,
      keepalive: true,
      keepaliveIdleMs: 0,
      keepaliveIntervalMs: 0,
      keepaliveCount: 0,
      userTimeoutMs: 0,
      requiredPeer: undefined,
      protocol: { minimumMinor: 0, maximumMinor: 0 },
      channelBinding: 'prefer',
      requiredAuthentication: undefined,
      scramKeys: { clientKey: undefined, serverKey: undefined },
      tls: {
        mode: 'prefer',
        negotiation: 'postgres',
        rootCertificate: undefined,
        certificate: undefined,
        key: undefined,
        keyPassword: undefined,
        mustSendCertificate: false,
        revocationList: undefined,
        revocationDirectory: undefined,
        keyLogFile: undefined,
        serverNameIndication: true,
        minimumVersion: 'TLSv1.2',
        maximumVersion: undefined,
      },
    });
  });

  test('of the database is the user', async () => {
    expect(await resolve('host=pg user=barman')).toMatchObject({ user: 'barman', database: 'barman' });
  });

  test('leave a dbname that looks like a connection string alone', async () => {
    expect(await resolve("host=pg dbname='host=other'")).toMatchObject({ database: 'host=other', hosts: [{ host: 'pg' }] });
  });

  test('are frozen, all the way down', async () => {
    const parameters = await resolve('host=a,b');
    for (const part of [parameters, parameters.hosts, ...parameters.hosts, parameters.tls])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('sources', () => {
  test('rank: overrides, string, service, environment', async () => {
    await writeFile(join(home, '.pg_service.conf'), '[pg]\nuser=service\ndbname=service\nport=1\n');
    const environment = { PGSERVICE: 'pg', PGUSER: 'env', PGDATABASE: 'env', PGPORT: '2', PGHOST: 'env' };
    const parameters = await resolve('user=string', { environment, overrides: { user: 'override' } });
    expect(parameters).toMatchObject({ user: 'override', database: 'service', hosts: [{ host: 'env', port: 1 }] });
    expect(await resolve('user=string', { environment })).toMatchObject({ user: 'string' });
    expect(await resolve('', { environment })).toMatchObject({ user: 'service' });
    expect(await resolve('', { environment: { ...environment, PGSERVICE: '' } })).toMatchObject({ user: 'env' });
  });

  test('an empty value keeps later sources out and stands for the default', async () => {
    expect(await places("host='' port=''", { environment: { PGHOST: 'env', PGPORT: '2' } })).toEqual([
      `${socketDirectory}||5432|socket`,
    ]);
  });

  test('a service file can be named by the string or the environment', async () => {
    const path = join(home, 'services');
    await writeFile(path, '[pg]\nhost=named\n');
    expect(await places(`service=pg servicefile=${path}`)).toEqual(['named||5432']);
    expect(await places('service=pg', { environment: { PGSERVICEFILE: path } })).toEqual(['named||5432']);
  });

  test('the service file of the system is in PGSYSCONFDIR', async () => {
    await writeFile(join(home, 'pg_service.conf'), '[pg]\nhost=system\n');
    expect(await places('service=pg', { environment: { PGSYSCONFDIR: home } })).toEqual(['system||5432']);
  });

  test('home is where HOME says unless the caller says otherwise', async () => {
    await writeFile(join(home, '.pgpass'), '*:*:*:*:secret\n', { mode: 0o600 });
    expect(await passwords('host=pg', { homeDirectory: undefined, environment: { HOME: home } })).toEqual(['secret']);
  });

  test('PGREQUIRESSL asks for TLS where PGSSLMODE does not speak', async () => {
    expect(await resolve('host=pg', { environment: { PGREQUIRESSL: '1' } })).toMatchObject({ tls: { mode: 'require' } });
    expect(await resolve('host=pg', { environment: { PGREQUIRESSL: '1', PGSSLMODE: 'allow' } })).toMatchObject({
      tls: { mode: 'allow' },
    });
  });

  test('an error tells which source a bad value came from', async () => {
    await expect(resolve('', { environment: { PGSSLMODE: 'on' } })).rejects.toMatchObject({
      message: 'invalid value "on" for connection parameter sslmode (given by PGSSLMODE)',
    });
    await writeFile(join(home, '.pg_service.conf'), '[pg]\nsslmode=on\n');
    await expect(resolve('service=pg')).rejects.toMatchObject({
      message: 'invalid value "on" for connection parameter sslmode (given by service "pg")',
    });
  });

  test('application_name comes from the string, then PGAPPNAME, then the fallbacks', async () => {
    const fallbackApplicationName = 'barman_receive_wal';
    const environment = { PGAPPNAME: 'env' };
    expect(await applicationName('application_name=own', { fallbackApplicationName, environment })).toBe('own');
    expect(await applicationName('', { fallbackApplicationName, environment })).toBe('env');
    expect(await applicationName('', { fallbackApplicationName })).toBe('barman_receive_wal');
    expect(await applicationName('fallback_application_name=other')).toBe('other');
  });
});

describe('hosts', () => {
  test.each([
    ['host=pg', ['pg||5432']],
    ['host=pg port=6000', ['pg||6000']],
    ['host=a,b port=6000', ['a||6000', 'b||6000']],
    ['host=a,b port=1,2', ['a||1', 'b||2']],
    ['host=a,b,c port=1,,3', ['a||1', 'b||5432', 'c||3']],
    ['host=a, hostaddr=', ['a||5432', `${socketDirectory}||5432|socket`]],
    ['host=pg hostaddr=10.0.0.1', ['pg|10.0.0.1|5432']],
    ['hostaddr=10.0.0.1,::1', ['10.0.0.1|10.0.0.1|5432', '::1|::1|5432']],
    ['host=a,b hostaddr=,fe80::1%eth0', ['a||5432', 'b|fe80::1%eth0|5432']],
    ['host=/run/pg port=6000', ['/run/pg||6000|socket']],
    ['host=/run/pg hostaddr=10.0.0.1', ['/run/pg|10.0.0.1|5432']],
    ['postgresql://a:1,[::1],/db', ['a||1', '::1||5432', `${socketDirectory}||5432|socket`]],
    ["port=' 6000 '", [`${socketDirectory}||6000|socket`]],
    ['host=@pg port=6000', ['@pg||6000|socket']],
  ])('of %j', async (conninfo, expected) => {
    expect(await places(conninfo)).toEqual(expected);
  });

  test.each([
    ['host=a,b hostaddr=10.0.0.1', 'could not match 2 host names to 1 hostaddr values'],
    ['host=a,b,c port=1,2', 'could not match 2 port numbers to 3 hosts'],
    ['port=1,2', 'could not match 2 port numbers to 1 hosts'],
    ['host=a port=0', 'invalid value "0" for connection parameter port'],
    ['host=a port=65536', 'invalid value "65536" for connection parameter port'],
    ['host=a port=1.5', 'invalid value "1.5" for connection parameter port'],
    ['hostaddr=pg', 'invalid value "pg" for connection parameter hostaddr'],
  ])('refuses %j', async (conninfo, message) => {
    await expect(resolve(conninfo)).rejects.toMatchObject({ code: 'ERR_INVALID_CONNINFO', message, hint: expect.any(String) });
  });
});

describe('passwords', () => {
  test('of the string hold for every host, and the file is not read', async () => {
    await writeFile(join(home, '.pgpass'), '*:*:*:*:file\n', { mode: 0o644 });
    expect(await passwords('host=a,b password=own')).toEqual(['own', 'own']);
    expect(await passwords('host=a', { environment: { PGPASSWORD: 'env' } })).toEqual(['env']);
    expect(warnings).toEqual([]);
  });

  test('of the file are looked up for each host', async () => {
    await writeFile(join(home, '.pgpass'), 'a:1:d:u:first\nb:*:*:*:second\n10.0.0.1:*:*:*:third\nlocalhost:*:*:*:fourth', {
      mode: 0o600,
    });
    expect(await passwords('user=u dbname=d host=a,b,c,, hostaddr=,,,10.0.0.1, port=1')).toEqual([
      'first',
      'second',
      undefined,
      'third',
      'fourth',
    ]);
  });

  test('of replication connections stand under the database "replication"', async () => {
    await writeFile(join(home, '.pgpass'), '*:*:postgres:*:sql\n*:*:replication:*:stream\n', { mode: 0o600 });
    expect(await passwords('host=pg dbname=postgres', { replication: true })).toEqual(['stream']);
    expect(await passwords('host=pg dbname=postgres')).toEqual(['sql']);
  });

  test('of replication connections may stand under the name of the database too', async () => {
    await writeFile(join(home, '.pgpass'), '*:*:postgres:*:sql\n', { mode: 0o600 });
    expect(await passwords('host=pg dbname=postgres', { replication: true })).toEqual(['sql']);
    expect(await passwords('host=pg dbname=other', { replication: true })).toEqual([undefined]);
  });

  test('are not taken from a file that others can read', async () => {
    await writeFile(join(home, '.pgpass'), '*:*:*:*:s3cret\n', { mode: 0o644 });
    expect(await passwords('host=pg')).toEqual([undefined]);
    expect(warnings).toEqual([expect.stringContaining('group or world access')]);
  });

  test('come from the file that passfile or PGPASSFILE names', async () => {
    const path = join(home, 'passwords');
    await writeFile(path, '*:*:*:*:secret\n', { mode: 0o600 });
    expect(await passwords(`host=pg passfile=${path}`)).toEqual(['secret']);
    expect(await passwords('host=pg', { environment: { PGPASSFILE: path } })).toEqual(['secret']);
  });
});

describe('TLS', () => {
  test('takes the files below ~/.postgresql that are there', async () => {
    const directory = join(home, '.postgresql');
    await mkdir(directory);
    for (const name of ['root.crt', 'postgresql.key', 'postgresql.crt']) await writeFile(join(directory, name), '');
    const files = {
      rootCertificate: join(directory, 'root.crt'),
      certificate: join(directory, 'postgresql.crt'),
      key: join(directory, 'postgresql.key'),
    };
    expect((await resolve('host=pg')).tls).toMatchObject({ ...files, revocationList: undefined });
    expect((await resolve('host=pg sslcertmode=disable')).tls).toMatchObject({
      ...files,
      certificate: undefined,
      key: undefined,
    });
  });

  test('takes files that are named as they are', async () => {
    const { tls } = await resolve(
      'host=pg sslrootcert=/a sslcert=b sslkey=/c sslpassword=d sslcrl=/e sslmode=verify-ca sslsni=0',
    );
    expect(tls).toMatchObject({
      mode: 'verify-ca',
      rootCertificate: '/a',
      certificate: 'b',
      key: '/c',
      keyPassword: 'd',
      revocationList: '/e',
      serverNameIndication: false,
    });
  });

  test('takes a directory of revocation lists in place of ~/.postgresql/root.crl', async () => {
    await mkdir(join(home, '.postgresql'));
    await writeFile(join(home, '.postgresql', 'root.crl'), '');
    expect((await resolve('host=pg')).tls).toMatchObject({ revocationList: join(home, '.postgresql', 'root.crl') });
    expect((await resolve('sslcrldir=/d')).tls).toMatchObject({ revocationList: undefined, revocationDirectory: '/d' });
    expect((await resolve('sslcrldir=/d sslcrl=/e')).tls).toMatchObject({ revocationList: '/e', revocationDirectory: '/d' });
  });

  test('refuses a key in a hardware module', async () => {
    await expect(resolve('sslkey=pkcs11:token')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_CONNINFO' });
    expect((await resolve('sslkey=./odd:name')).tls.key).toBe('./odd:name');
  });

  test('checks the name when the roots of the system are trusted', async () => {
    expect((await resolve('host=pg sslrootcert=system')).tls.mode).toBe('verify-full');
    await expect(resolve('host=pg sslrootcert=system sslmode=require')).rejects.toMatchObject({
      message: 'weak sslmode "require" may not be used with sslrootcert=system',
    });
  });

  test('begins at once only when it is asked for surely', async () => {
    expect((await resolve('host=pg sslmode=require sslnegotiation=direct')).tls.negotiation).toBe('direct');
    await expect(resolve('host=pg sslnegotiation=direct')).rejects.toMatchObject({
      message: 'weak sslmode "prefer" may not be used with sslnegotiation=direct',
    });
  });

  test('reads protocol versions in any case, and in order', async () => {
    const { tls } = await resolve('ssl_min_protocol_version=tlsv1.1 ssl_max_protocol_version=TLSV1.3');
    expect(tls).toMatchObject({ minimumVersion: 'TLSv1.1', maximumVersion: 'TLSv1.3' });
    await expect(resolve('ssl_max_protocol_version=TLSv1.1')).rejects.toMatchObject({ hint: expect.stringContaining('TLSv1.2') });
    await expect(resolve('ssl_min_protocol_version=SSLv3')).rejects.toMatchObject({
      hint: 'Allowed values are TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.',
    });
  });
});

describe('numbers and choices', () => {
  test('are read', async () => {
    expect(await resolve('connect_timeout=7 keepalives=0 keepalives_idle=30 channel_binding=require')).toMatchObject({
      connectTimeoutMs: 7000,
      keepalive: false,
      keepaliveIdleMs: 30_000,
      channelBinding: 'require',
    });
    expect(await resolve('connect_timeout=-1 keepalives=1')).toMatchObject({ connectTimeoutMs: 0, keepalive: true });
    expect(await resolve("options='-c x=y'")).toMatchObject({ options: '-c x=y' });
    expect(
      await resolve('keepalives_interval=3 keepalives_count=4 tcp_user_timeout=5 requirepeer=postgres load_balance_hosts=random'),
    ).toMatchObject({
      keepaliveIntervalMs: 3000,
      keepaliveCount: 4,
      userTimeoutMs: 5,
      requiredPeer: 'postgres',
      inRandomOrder: true,
    });
  });

  test('have a time limit for connecting that the program may choose where no source gives one', async () => {
    const fallbackConnectTimeoutMs = 30_000;
    expect((await resolve('', { fallbackConnectTimeoutMs })).connectTimeoutMs).toBe(30_000);
    expect((await resolve('connect_timeout=0', { fallbackConnectTimeoutMs })).connectTimeoutMs).toBe(0);
    const environment = { PGCONNECT_TIMEOUT: '7' };
    expect((await resolve('', { fallbackConnectTimeoutMs, environment })).connectTimeoutMs).toBe(7000);
  });

  test.each([
    ['sslmode=on', 'Allowed values are disable, allow, prefer, require, verify-ca, verify-full.'],
    ['sslmode=', 'Allowed values are disable, allow, prefer, require, verify-ca, verify-full.'],
    ['channel_binding=yes', 'Allowed values are disable, prefer, require.'],
    ['sslnegotiation=tls', 'Allowed values are postgres, direct.'],
    ['sslsni=yes', 'Allowed values are 0, 1.'],
    ['target_session_attrs=leader', 'Allowed values are any, read-write, read-only, primary, standby, prefer-standby.'],
    ['load_balance_hosts=on', 'Allowed values are disable, random.'],
    ['gssencmode=on', 'Allowed values are disable, prefer, require.'],
    ['max_protocol_version=2.0', 'Allowed values are nothing, 3.0, 3.2, latest.'],
    ['replication=maybe', 'Allowed values are true, on, yes, 1, false, off, no, 0.'],
    ['connect_timeout=5s', 'connect_timeout takes a whole number from -2147483648 to 2147483647.'],
    ['keepalives=', 'keepalives takes a whole number from -2147483648 to 2147483647.'],
    ['tcp_user_timeout=99999999999', 'tcp_user_timeout takes a whole number from -2147483648 to 2147483647.'],
  ])('refuse %j with what is allowed', async (conninfo, hint) => {
    const [keyword, value] = conninfo.split('=');
    await expect(resolve(conninfo)).rejects.toMatchObject({
      code: 'ERR_INVALID_CONNINFO',
      message: `invalid value "${value}" for connection parameter ${keyword}`,
      hint,
    });
  });
});

describe('what walvault cannot do', () => {
  test.each(['gssencmode=require', 'gssdelegation=1', 'replication=true'])('is refused: %s', async (conninfo) => {
    await expect(resolve(conninfo)).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_CONNINFO',
      message: `connection parameter ${conninfo} is not supported`,
      hint: expect.stringMatching(/^[A-Z].*\.$/),
    });
  });

  test.each(['oauth_issuer', 'oauth_client_id', 'oauth_client_secret', 'oauth_scope', 'oauth_ca_file'])(
    'is refused without showing the value: %s',
    async (keyword) => {
      await expect(resolve(`${keyword}=77`)).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED_CONNINFO',
        message: `connection parameter ${keyword} is not supported`,
        hint: expect.stringMatching(/^[^7]+\.$/),
      });
      await expect(resolve(`${keyword}=`)).resolves.toBeDefined();
    },
  );

  test('is refused from the environment too, and the variable is named', async () => {
    await expect(resolve('', { environment: { PGGSSENCMODE: 'require' } })).rejects.toMatchObject({
      message: 'connection parameter gssencmode=require is not supported (given by PGGSSENCMODE)',
    });
  });

  test('is refused where the platform cannot do it', async () => {
    const settings = await gatherSettings({
      conninfo: 'tcp_user_timeout=1000 requirepeer=postgres',
      overrides: {},
      environment: {},
      homeDirectory: home,
    });
    expect(() => resolveSocket(settings, { platform: 'darwin' })).toThrow('tcp_user_timeout is not supported');
    expect(() => resolveSocket(settings, { platform: 'win32' })).toThrow('is not supported');
  });

  test('is refused where an abstract socket has no owner to be required', async () => {
    await expect(resolve('host=@pg requirepeer=postgres')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_CONNINFO' });
  });

  test.each([
    'target_session_attrs=any',
    'load_balance_hosts=disable',
    'gssencmode=prefer',
    'gssencmode=disable',
    'gssdelegation=0',
    'min_protocol_version=3.0',
    'max_protocol_version=3.0',
    'client_encoding=auto',
    'client_encoding=utf8',
    'sslcompression=1',
    'sslcertmode=allow',
    'replication=off',
    'tcp_user_timeout=0',
    'keepalives_interval=0',
  ])('passes where it makes no difference: %s', async (conninfo) => {
    await expect(resolve(conninfo)).resolves.toBeDefined();
    expect(warnings).toEqual([]);
  });

  test.each(['krbsrvname=postgres', 'gsslib=gssapi', 'client_encoding=LATIN1'])(
    'is told of where it has no effect: %s',
    async (conninfo) => {
      await expect(resolve(conninfo)).resolves.toBeDefined();
      const [keyword = ''] = conninfo.split('=');
      expect(warnings).toEqual([expect.stringContaining(`connection parameter ${keyword} has no effect: `)]);
    },
  );

  test('is told of where Node.js is too old for it', async () => {
    const conninfo = 'keepalives_interval=7 keepalives_count=0';
    const settings = await gatherSettings({ conninfo, overrides: {}, environment: {}, homeDirectory: home });
    const log: Logger = { ...silentLogger, warn: (_fields, message) => warnings.push(message) };
    tellOfNoEffect(settings, log, false);
    expect(warnings).toEqual(['connection parameter keepalives_interval has no effect: it needs Node.js 24.19 or later']);
  });

  test('takes replication=on for a replication connection, and no other', async () => {
    await expect(resolve('replication=on', { replication: true })).resolves.toBeDefined();
    await expect(resolve('replication=database', { replication: true })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_CONNINFO',
    });
    await expect(resolve('replication=off', { replication: true })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_CONNINFO' });
  });
});
