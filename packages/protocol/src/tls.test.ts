import { createPrivateKey } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocketOptions } from 'node:tls';
import { createAuthority, type KeyAndCertificate, type TemporaryDirectory, temporaryDirectory } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import type { TlsParameters } from './connection-parameters.ts';
import { testParameters } from './parameters.test-support.ts';
import { serveTls, type TlsScript } from './tls-server.test-support.ts';

const { signal } = new AbortController();
const dayMs = 86_400_000;
const names = ['pg.db.example', '127.0.0.1'];
const authority = createAuthority();
const identity = authority.issue({ commonName: 'pg.db.example', names });
let directory: TemporaryDirectory;
let rootCertificate: string;

async function file(name: string, content: string): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

beforeAll(async () => {
  directory = await temporaryDirectory('protocol-tls');
  rootCertificate = await file('root.crt', authority.certificate);
});
afterAll(() => directory[Symbol.asyncDispose]());

function options({ certificate, privateKey }: KeyAndCertificate): TLSSocketOptions {
  return { cert: certificate, key: privateKey };
}

/** Connects, and gives the error or the version of the server. */
async function outcome(server: TLSSocketOptions, client: Partial<TlsParameters> = {}, script?: TlsScript): Promise<unknown> {
  await using listening = await serveTls(server, script);
  const parameters = testParameters({
    port: listening.port,
    host: 'pg.db.example',
    hostAddress: '127.0.0.1',
    tls: { mode: 'verify-full', rootCertificate, ...client },
  });
  try {
    await using connection = await connectReplication(parameters, { signal });
    return connection.serverVersion;
  } catch (error) {
    return error;
  }
}

describe('the certificate of the server', () => {
  test('is accepted when nothing is wrong with it', async () => {
    expect(await outcome(options(identity))).toBe(180_004);
  });

  test.each([
    ['has expired', { validFrom: new Date(Date.now() - 9 * dayMs), validTo: new Date(Date.now() - dayMs) }, 'CERT_HAS_EXPIRED'],
    ['is not yet valid', { validFrom: new Date(Date.now() + dayMs) }, 'CERT_NOT_YET_VALID'],
  ])('that %s is refused, in words', async (words, validity, code) => {
    const error = await outcome(options(authority.issue({ commonName: 'pg.db.example', names, ...validity })), {
      mode: 'require',
    });
    expect(error).toMatchObject({
      code: 'ERR_TLS',
      retry: 'fatal',
      message: `TLS handshake failed: the certificate of the server ${words} (${code})`,
      hint: expect.stringContaining('clocks') as string,
    });
  });

  test.each(['require', 'verify-ca', 'verify-full'] as const)('of an unknown CA is refused by sslmode=%s', async (mode) => {
    const stranger = createAuthority('somebody else');
    expect(await outcome(options(stranger.issue({ commonName: 'pg.db.example', names })), { mode })).toMatchObject({
      code: 'ERR_TLS',
      retry: 'fatal',
      message: expect.stringContaining('is not signed by a CA that is trusted here') as string,
      hint: expect.stringContaining('sslrootcert') as string,
    });
  });

  test.each([
    ['another name', ['other.example']],
    ['no name but that of its subject, which is another one', undefined],
    ['the wildcard of another domain', ['*.other.example']],
    ['an address only', ['127.0.0.1']],
  ])('with %s is refused by sslmode=verify-full, and taken by verify-ca', async (_name, wrong) => {
    const other = options(authority.issue({ commonName: 'other.example', names: wrong }));
    expect(await outcome(other)).toMatchObject({
      code: 'ERR_TLS',
      retry: 'fatal',
      message: 'the certificate of the server is not made out to "pg.db.example"',
    });
    expect(await outcome(other, { mode: 'verify-ca' })).toBe(180_004);
  });

  test.each([['*.db.example'], ['PG.db.example']])('with the name %s is taken', async (name) => {
    expect(await outcome(options(authority.issue({ commonName: 'x', names: [name] })))).toBe(180_004);
  });
});

describe('TLS versions', () => {
  const old: TLSSocketOptions = {
    ...options(identity),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  };

  test('below TLS 1.2 are refused, as by libpq', async () => {
    expect(await outcome(old)).toMatchObject({
      code: 'ERR_TLS',
      retry: 'fatal',
      message: expect.stringContaining('have no TLS version in common') as string,
      hint: expect.stringContaining('TLSv1.2 to the newest (ssl_min_protocol_version') as string,
    });
  });

  test('that the two sides cannot agree on are named', async () => {
    expect(await outcome({ ...options(identity), minVersion: 'TLSv1.3' }, { maximumVersion: 'TLSv1.2' })).toMatchObject({
      code: 'ERR_TLS',
      hint: expect.stringContaining('TLSv1.2 to TLSv1.2') as string,
    });
  });
});

describe('direct negotiation', () => {
  test('is taken by a server that names the protocol', async () => {
    expect(await outcome({ ...options(identity), ALPNProtocols: ['postgresql'] }, { negotiation: 'direct' })).toBe(180_004);
  });

  test('with a server that does not is refused before the startup message is sent', async () => {
    const heard: string[] = [];
    const listen: TlsScript = (client) => void client.on('data', (data: Buffer) => heard.push(data.toString('latin1')));
    expect(await outcome(options(identity), { negotiation: 'direct' }, listen)).toMatchObject({
      code: 'ERR_TLS',
      message: 'the server did not agree on the PostgreSQL protocol in the TLS handshake',
    });
    expect(heard).toEqual([]);
  });

  test('with a server of another protocol is refused', async () => {
    expect(await outcome({ ...options(identity), ALPNProtocols: ['h2'] }, { negotiation: 'direct' })).toMatchObject({
      code: 'ERR_TLS',
      retry: 'fatal',
    });
  });
});

describe('the name of the server', () => {
  test.each([
    [true, 'pg.db.example'],
    [false, false],
  ])('is sent in the handshake: %s', async (serverNameIndication, expected) => {
    let told: unknown;
    const listen: TlsScript = (client) => void client.once('secure', () => ((told = client.servername), client.destroy()));
    await outcome(options(identity), { serverNameIndication }, listen);
    expect(told).toBe(expected);
  });
});

describe('files', () => {
  test('that are wrong are errors that say what is wrong', async () => {
    const nonsense = await file('nonsense', 'no PEM');
    const own = authority.issue({ commonName: 'client' });
    const certificate = await file('own.crt', own.certificate);
    const key = await file('own.key', own.privateKey);
    const cases: readonly (readonly [Partial<TlsParameters>, string])[] = [
      [{ rootCertificate: nonsense }, `there is no certificate in root certificate file "${nonsense}"`],
      [{ revocationList: nonsense }, `there is no revocation list in "${nonsense}"`],
      [{ revocationDirectory: directory.path }, `there is no revocation list in directory "${directory.path}"`],
      [{ revocationDirectory: nonsense }, `could not read directory of revocation lists "${nonsense}": not a directory`],
      [{ keyLogFile: directory.path }, `could not open TLS key log file "${directory.path}": illegal operation on a directory`],
      [{ certificate: nonsense, key }, 'could not use the TLS settings: the client certificate is not in PEM'],
      [{ certificate, key: nonsense }, 'could not use the TLS settings: the private key is not in PEM'],
      [
        { certificate, key: await file('other.key', identity.privateKey) },
        'the private key does not belong to the client certificate',
      ],
      [{ mustSendCertificate: true }, 'sslcertmode is "require", and there is no client certificate'],
    ];
    for (const [client, message] of cases) {
      expect(await outcome(options(identity), client)).toMatchObject({
        code: 'ERR_TLS',
        retry: 'fatal',
        message: expect.stringContaining(message) as string,
      });
    }
  });

  test('with an encrypted key take its password from sslpassword, and never show it', async () => {
    const own = authority.issue({ commonName: 'client' });
    const encryption = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' } as const;
    const locked = createPrivateKey(own.privateKey).export(encryption).toString();
    const client = { certificate: await file('locked.crt', own.certificate), key: await file('locked.key', locked) };
    expect(await outcome(options(identity), { ...client, keyPassword: 'right' })).toBe(180_004);
    for (const keyPassword of ['wr0ng-s3cret', undefined]) {
      const error = await outcome(options(identity), { ...client, keyPassword });
      expect(error).toMatchObject({
        code: 'ERR_TLS',
        message: expect.stringContaining('its password is wrong or missing (ERR_OSSL_BAD_DECRYPT)') as string,
        hint: 'Give the password of the key by sslpassword.',
      });
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('wr0ng');
    }
  });

  test('for the secrets of sessions are appended to, for their owner alone', async () => {
    const keyLogFile = join(directory.path, 'keys.log');
    expect(await outcome(options(identity), { keyLogFile })).toBe(180_004);
    expect(await outcome({ ...options(identity), maxVersion: 'TLSv1.2' }, { keyLogFile })).toBe(180_004);
    const labels = (await readFile(keyLogFile, 'utf8')).split('\n').map((line) => line.split(' ')[0]);
    expect(labels).toEqual(expect.arrayContaining(['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0', 'CLIENT_RANDOM']));
    expect((await stat(keyLogFile)).mode & 0o777).toBe(0o600);
  });
});
