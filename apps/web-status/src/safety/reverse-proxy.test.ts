/** A real nginx in front, with the very lines of the documentation. */
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { type RequestOptions, request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import { join } from 'node:path';
import { type AddressInfo } from 'node:net';
import { createAuthority, findProgram, freePort, startAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { silentApp } from '../api/silent-app.test-support.ts';
import type { Secret } from './access.ts';

const secret: Secret = { kind: 'basic', userAndPassword: 'ops:correct horse battery' };
const documentation = join(import.meta.dirname, '../../../../docs/web-status.md');

/** What nginx is told: TLS at one port and none at another, both to a port of ours. */
async function settings(directory: string, ports: { tls: number; plain: number; ours: number }): Promise<string> {
  const text = await readFile(documentation, 'utf8');
  const [, location = ''] = /```nginx\n([^`]+)```/.exec(text) ?? [];
  expect(location).toContain('http://127.0.0.1:8432;');
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`);
  return `pid ${directory}/pid; error_log stderr; daemon off; worker_processes 1; events {}
http { access_log off; ${places.join(' ')}
server {
  listen 127.0.0.1:${ports.plain}; listen 127.0.0.1:${ports.tls} ssl;
  ssl_certificate ${directory}/cert; ssl_certificate_key ${directory}/key;
  ${location.replace('127.0.0.1:8432', `127.0.0.1:${ports.ours}`)}
} }`;
}

async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** @param until the answer counts as whole once it matches: a stream has no end */
async function ask(over: typeof askHttp, options: RequestOptions & { ca?: string }, body = '', until = /$^/): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = over({ host: '127.0.0.1', ...options }, (response) => {
      let text = '';
      const done = (): void => resolve({ status: response.statusCode, headers: response.headers, body: text });
      response.setEncoding('utf8').on('end', done);
      response.on('data', (chunk: string) => {
        text += chunk;
        if (!until.test(text)) return;
        response.destroy();
        done();
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

test('behind nginx as it is documented: a password over TLS, a session, the live stream, and nothing without TLS', async () => {
  await using all = await silentApp({
    basePath: '/walvault',
    safety: { secret, trustedProxies: ['127.0.0.1'], needsHttps: true },
  });
  await all.app.listen({ port: 0, host: '127.0.0.1' });
  const { port: ours } = all.app.server.address() as AddressInfo;
  await using directory = await temporaryDirectory('nginx');
  const ports = { tls: await freePort(), plain: await freePort(), ours };
  const authority = createAuthority();
  const { certificate, privateKey } = authority.issue({ commonName: 'localhost', names: ['localhost', '127.0.0.1'] });
  const path = (name: string): string => join(directory.path, name);
  await writeFile(path('cert'), certificate);
  await writeFile(path('key'), privateKey, { mode: 0o644 });
  await writeFile(path('conf'), await settings(directory.path, ports));
  const nginx = findProgram('nginx');
  const argv = [...nginx.argv, '-p', directory.path, '-c', path('conf'), '-e', 'stderr'];
  await using _ = await startAsServerUser(argv, { env: nginx.env });
  await expect.poll(async () => isListening(ports.tls)).toBe(true);

  const overTls = async (options: RequestOptions, body?: string, until?: RegExp) =>
    ask(askHttps, { port: ports.tls, ca: authority.certificate, ...options }, body, until);
  const authorization = `Basic ${Buffer.from('ops:correct horse battery').toString('base64')}`;
  const servers = '/walvault/api/v1/servers';
  expect(await overTls({ path: servers, headers: { authorization } })).toMatchObject({ status: 200 });
  const refused = await overTls({ path: servers, headers: { authorization: 'Basic b3BzOndyb25n' } });
  expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringContaining('Basic') as string } });
  const plain = await ask(askHttp, { port: ports.plain, path: servers, headers: { authorization } });
  expect([plain.status, plain.body]).toEqual([403, expect.stringContaining('did not come by TLS')]);
  // Who claims to be a proxy is not believed: nginx says by which way it came, and from where.
  const claimed = { authorization, 'x-forwarded-proto': 'https', 'x-forwarded-for': '10.0.0.1' };
  expect((await ask(askHttp, { port: ports.plain, path: servers, headers: claimed })).status).toBe(403);

  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const login = { path: '/walvault/login', method: 'POST', headers: form };
  const entered = await overTls(login, 'user=ops&password=correct+horse+battery');
  const cookies = entered.headers['set-cookie'] as string[];
  expect(cookies[0]).toMatch(/^walvault_session=.*Path=\/walvault\/; .*HttpOnly; SameSite=Strict; Secure$/);
  const cookie = cookies[0]?.split(';')[0] ?? '';
  const live = await overTls({ path: '/walvault/api/v1/live', headers: { cookie } }, '', /event: servers\n.*\n\n/s);
  expect(live).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
  expect((await overTls({ path: '/walvault/logout', method: 'POST', headers: { ...form, cookie } })).status).toBe(303);
  expect((await overTls({ path: servers, headers: { cookie } })).status).toBe(401);

  // Each claims another address, and all are counted for the one that nginx has seen.
  let count = 0;
  const guess = async (): Promise<number | undefined> => {
    count += 1;
    const headers = { authorization: 'Basic b3BzOndyb25n', 'x-forwarded-for': `10.0.0.${count % 256}` };
    return (await overTls({ path: servers, headers })).status;
  };
  await expect.poll(guess, { interval: 1 }).toBe(429);
  expect((await overTls({ path: servers, headers: { authorization } })).status).toBe(429);
});
