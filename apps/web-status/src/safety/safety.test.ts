/** Who may ask what, and how that is kept. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentApp } from '../api/silent-app.test-support.ts';
import { WebStatusError } from '../errors.ts';
import { Access, type Secret, sessionMs } from './access.ts';
import { parseListen, requireProtection } from './listen-policy.ts';
import { readSecret } from './read-secret.ts';

const secret: Secret = { kind: 'token', token: 'a-token-of-some-length' };
const password: Secret = { kind: 'basic', userAndPassword: 'ops:correct horse battery' };
const nowMs = Date.parse('2026-07-01T00:00:00Z');

function opens(host: string, hasSecret: boolean, hasTls: boolean, hasTrustedProxy: boolean): boolean {
  try {
    requireProtection({ host, port: 1 }, { hasSecret, hasTls, hasTrustedProxy });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_OPEN_ADDRESS' });
    return false;
  }
}

test('only loopback is open without a secret, and elsewhere a secret is not enough without TLS', () => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) expect(opens(host, false, false, false)).toBe(true);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'db.example', '127.0.0.1.evil.example', '1127.0.0.1', '::ffff:10.0.0.1']) {
    expect(opens(host, false, false, false)).toBe(false);
    expect(opens(host, true, false, false)).toBe(false);
    expect(opens(host, false, true, true)).toBe(false);
    expect(opens(host, true, true, false)).toBe(true);
    expect(opens(host, true, false, true)).toBe(true);
  }
});

test('an address is a host and a port', () => {
  expect(parseListen('127.0.0.1:8432')).toEqual({ host: '127.0.0.1', port: 8432 });
  expect(parseListen('[::1]:0')).toEqual({ host: '::1', port: 0 });
  for (const text of ['', '8432', ':8432', '::1:8432', 'a:99999', 'a b:1', '127.0.0.1:', 'http://x:1'])
    expect(() => parseListen(text)).toThrow(WebStatusError);
});

test('no other token, no changed and no old session is let in', () => {
  const access = new Access(secret);
  expect(access.admits('Bearer a-token-of-some-length')).toBe(true);
  const session = access.session(nowMs);
  expect(session).not.toContain('a-token');
  expect(access.admitsSession(session, nowMs + sessionMs - 1)).toBe(true);
  expect(access.admitsSession(session, nowMs + sessionMs)).toBe(false);
  expect(new Access({ kind: 'token', token: 'another-token-of-some-length' }).admitsSession(session, nowMs)).toBe(false);
  const [until = '', number = '', signature = ''] = session.split('.');
  expect(access.admitsSession(`${Number(until) + 1}.${number}.${signature}`, nowMs)).toBe(false);
  const other = access.session(nowMs);
  access.endSession(session, nowMs);
  expect([access.admitsSession(session, nowMs), access.admitsSession(other, nowMs)]).toEqual([false, true]);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
      expect(access.admits(text)).toBe(false);
      expect(access.admits(`Bearer ${text}`)).toBe(text.trim() === secret.token);
      expect(access.admitsSession(text, nowMs)).toBe(false);
      expect(access.admitsSession(`${until}.${number}.${text}`, nowMs)).toBe(false);
    }),
  );
});

test('with a secret everything but the probe and the login asks for it', async () => {
  await using all = await silentApp({ safety: { secret } });
  const { app } = all;
  for (const url of [...all.routes, '/nothing', '/%6cogin', '//healthz', '/healthz/', '/login/../metrics']) {
    if (['/login', '/login.css', '/healthz'].includes(url)) continue;
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'] as const)
      expect((await app.inject({ url, method })).statusCode, `${method} ${url}`).toBe(401);
  }
  const refused = await app.inject('/api/v1/servers');
  expect(refused.headers['www-authenticate']).toContain('Bearer');
  expect(refused.json()).toMatchObject({ type: 'about:blank', status: 401 });
  expect((await app.inject('/healthz')).statusCode).toBe(200);
  const headers = { authorization: `Bearer ${secret.token}` };
  expect((await app.inject({ url: '/api/v1/servers', headers })).statusCode).toBe(200);
  const visit = await app.inject({ url: '/', headers: { 'sec-fetch-mode': 'navigate' } });
  expect([visit.statusCode, visit.headers['location']]).toEqual([303, '/login']);
});

test('a browser logs in once, with a cookie that no script and no other site can use', async () => {
  await using all = await silentApp({ safety: { secret: password }, basePath: '/wal' });
  const { app } = all;
  expect((await app.inject('/wal/login')).body).toContain('name="password"');
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const logIn = async (payload: string) => app.inject({ method: 'POST', url: '/wal/login', headers, payload });
  expect((await logIn('user=ops&password=wrong')).statusCode).toBe(401);
  const answer = await logIn('user=ops&password=correct+horse+battery');
  expect([answer.statusCode, answer.headers['location']]).toEqual([303, '/wal/']);
  const [cookie = '', sign] = answer.headers['set-cookie'] as string[];
  expect(cookie).toMatch(/^walvault_session=\S+; Path=\/wal\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
  expect(sign).toBe('walvault_logged_in=1; Path=/wal/; Max-Age=43200; SameSite=Strict');
  const shown = { cookie: `other=1; ${cookie.split(';')[0]}` };
  expect((await app.inject({ url: '/wal/api/v1/servers', headers: shown })).statusCode).toBe(200);
  expect((await app.inject({ url: '/wal/api/v1/servers', headers: { cookie: 'walvault_session=1' } })).statusCode).toBe(401);
  const logOut = async (site: string) =>
    app.inject({ method: 'POST', url: '/wal/logout', headers: { ...shown, ...headers, 'sec-fetch-site': site }, payload: '' });
  expect((await logOut('cross-site')).statusCode).toBe(403);
  expect((await app.inject({ url: '/wal/api/v1/servers', headers: shown })).statusCode).toBe(200);
  expect((await logOut('same-origin')).headers['set-cookie']).toEqual([
    expect.stringMatching(/^walvault_session=; .*Max-Age=0/),
    expect.stringContaining('Max-Age=0'),
  ]);
  // Whoever has kept the cookie has nothing of it.
  expect((await app.inject({ url: '/wal/api/v1/servers', headers: shown })).statusCode).toBe(401);
});

test('guessing is stopped after ten attempts, by header and by login, and the right secret waits as well', async () => {
  await using all = await silentApp({ safety: { secret } });
  const guess = async (token: string) =>
    all.app.inject({ url: '/api/v1/servers', headers: { authorization: `Bearer ${token}` } });
  for (let count = 0; count < 10; count += 1) expect((await guess('guess')).statusCode).toBe(401);
  expect((await guess(secret.token)).statusCode).toBe(429);
  expect(
    (
      await all.app.inject({
        method: 'POST',
        url: '/login',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'token=x',
      })
    ).statusCode,
  ).toBe(429);
  expect(all.log.join('')).not.toContain('guess');
});

test('where no secret protects, only names of this machine are answered, so that no foreign page can ask', async () => {
  await using all = await silentApp({ safety: { allowedHosts: ['status.example'] } });
  const ask = async (host: string) => (await all.app.inject({ url: '/api/v1/servers', headers: { host } })).statusCode;
  for (const host of ['localhost', 'LOCALHOST:8432', '127.0.0.1:1', '[::1]:8432', 'status.example', 'status.example.:80'])
    expect(await ask(host), host).toBe(200);
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:8432', '[::2]:1', '10.0.0.1', 'a:b:c'])
    expect(await ask(host), host).toBe(421);
});

test('behind a proxy only what came to it by TLS is answered, and only it is believed', async () => {
  await using all = await silentApp({ safety: { secret, trustedProxies: ['10.1.1.1'], needsHttps: true } });
  const ask = async (remoteAddress: string, forwarded: string | undefined) => {
    const more = forwarded === undefined ? {} : { 'x-forwarded-proto': forwarded };
    const headers = { authorization: `Bearer ${secret.token}`, ...more };
    return (await all.app.inject({ url: '/api/v1/servers', remoteAddress, headers })).statusCode;
  };
  expect(await ask('10.1.1.1', 'https')).toBe(200);
  expect(await ask('10.1.1.1', 'http')).toBe(403);
  expect(await ask('10.1.1.1', undefined)).toBe(403);
  expect(await ask('10.9.9.9', 'https')).toBe(403);
});

test('too many requests of one address are refused for a while', async () => {
  await using all = await silentApp({ safety: { requestsPerMinute: 3 } });
  const codes = [];
  for (let count = 0; count < 5; count += 1) codes.push((await all.app.inject('/api/v1/servers')).statusCode);
  expect(codes).toEqual([200, 200, 200, 429, 429]);
});

test('a secret is taken from a file that nobody else can read, and must be long enough', async () => {
  await using directory = await temporaryDirectory('secret');
  const path = join(directory.path, 'secret');
  const codeOf = async (): Promise<unknown> =>
    readSecret({ tokenFile: path }).catch((error: unknown) => (error as WebStatusError).code);
  expect(await codeOf()).toBe('ERR_SECRET_FILE');
  await writeFile(path, `${secret.token}\n`, { mode: 0o600 });
  expect(await codeOf()).toEqual(secret);
  await chmod(path, 0o644);
  expect(await codeOf()).toBe('ERR_SECRET_FILE');
  await chmod(path, 0o600);
  for (const text of ['short', '', 'two words of more than sixteen', 'x'.repeat(5000)]) {
    await writeFile(path, text);
    expect(await codeOf()).toBe('ERR_SECRET_FILE');
  }
  await writeFile(path, 'ops:correct horse battery\n');
  expect(await readSecret({ basicAuthFile: path })).toEqual(password);
  await expect(readSecret({ tokenFile: path, basicAuthFile: path })).rejects.toMatchObject({ code: 'ERR_OPTION' });
});
