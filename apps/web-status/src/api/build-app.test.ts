import { expect, test } from 'vitest';
import { problem, readiness } from '../schema/problem.ts';
import { serverList } from '../schema/server-summary.ts';
import { openApiDocument } from './openapi.ts';
import { silentApp, unreachable } from './silent-app.test-support.ts';

test('the list of servers follows its schema before anything is known, and when a server does not answer', async () => {
  const sections = { pg: { description: 'Main', ...unreachable }, pg_off: { ...unreachable, active: 'false' } };
  await using all = await silentApp({}, sections);
  const list = async () => serverList.parse((await all.app.inject('/api/v1/servers')).json());
  const [first] = (await list()).servers;
  expect(first).toMatchObject({ name: 'pg', description: 'Main', verdict: 'unknown', holes: null, badSegments: null });
  await expect.poll(async () => (await list()).servers[0]?.verdict).toBe('danger');
  const { servers } = await list();
  expect(servers.map(({ name }) => name)).toEqual(['pg', 'pg_off']);
  expect(servers[0]).toMatchObject({ reason: 'no receiver has ever run', phase: 'none', lsn: { server: null } });
  expect(servers[0]?.rpo.durableSeconds).toBeNull();
  expect(servers[1]).toMatchObject({ active: false, verdict: 'unknown' });
  const ready = await all.app.inject('/readyz');
  expect(ready.statusCode).toBe(503);
  expect(readiness.parse(ready.json())).toMatchObject({ ready: false, servers: [{ name: 'pg', ready: false }] });
  expect((await all.app.inject('/healthz')).json()).toEqual({ status: 'ok' });
});

test('what is not there is a problem with a hint', async () => {
  await using all = await silentApp();
  const answer = await all.app.inject('/api/v1/servers/nobody/checks');
  expect(answer.statusCode).toBe(404);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(problem.parse(answer.json())).toMatchObject({ status: 404, detail: 'no server of that name is configured' });
  expect((await all.app.inject({ method: 'DELETE', url: '/api/v1/servers/pg' })).json()).toMatchObject({ status: 404 });
});

test('without a build of the page there is one that says how to make it', async () => {
  await using all = await silentApp();
  const answer = await all.app.inject('/');
  expect(answer.body).toContain('not built');
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
});

test('below a base path everything is there, and its own address ends with a slash', async () => {
  await using all = await silentApp({ basePath: '/wal/status' });
  expect((await all.app.inject('/wal/status/api/v1/servers')).statusCode).toBe(200);
  expect((await all.app.inject('/wal/status/')).statusCode).toBe(200);
  expect((await all.app.inject('/wal/status')).headers['location']).toBe('/wal/status/');
  expect((await all.app.inject('/api/v1/servers')).statusCode).toBe(404);
});

test('the OpenAPI document has every route of the API, and every schema that it refers to', async () => {
  await using all = await silentApp();
  const document = (await all.app.inject('/api/v1/openapi.json')).json<{
    paths: Record<string, unknown>;
    components: { schemas: object };
  }>();
  const served = [...all.routes].map((url) => url.replaceAll(/:(\w+)/g, '{$1}'));
  const described = Object.keys(document.paths);
  const pages = ['/', '/index.html', '/api/v1/openapi.json'];
  expect(new Set(served.filter((url) => !pages.includes(url)))).toEqual(new Set(described));
  const references = JSON.stringify(openApiDocument()).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  for (const [, id = ''] of references) expect(document.components.schemas).toHaveProperty(id);
  expect(JSON.stringify(document.components.schemas)).not.toContain('"additionalProperties":false');
});
