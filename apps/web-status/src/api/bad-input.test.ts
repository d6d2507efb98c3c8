/** Whatever is asked: a clear refusal, nothing of the inside, and the server goes on. */
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { problem } from '../schema/problem.ts';
import { type SilentApp, silentApp } from './silent-app.test-support.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('..', '%2e%2e%2f', 'pg', '0/0', '\0', "'", '__proto__'),
);

/** Where something is refused; what is found out about a server may name its directories. */
function expectNothingOfTheInside(all: SilentApp, text: string, code = 400): void {
  expect(text).not.toMatch(/node_modules|\.ts:\d|\.js:\d|\bat \w+.*\(/);
  expect(text).not.toContain('s3cret');
  if (code >= 400) expect(text).not.toContain(all.home);
}

test('any query and any name of a server is answered or refused, on every route', async () => {
  await using all = await silentApp({ safety: { requestsPerMinute: 1_000_000 } });
  const routes = [...all.routes].filter((url) => url !== '/api/v1/live');
  const query = fc.array(
    fc.tuple(
      fc.oneof(anyText, fc.constantFrom('metric', 'from', 'to', 'before', 'limit', 'time', 'lsn', 'name', 'xid', 'timeline')),
      fc.oneof(anyText, fc.constantFrom('bytesPerSecond', '2026-07-01T00:00:00Z', '-1', '1e400', '0/3000148')),
    ),
    { maxLength: 4 },
  );
  const request = fc.tuple(fc.constantFrom(...routes), fc.oneof(fc.constant('pg'), anyText), query);
  const ask = async ([route, name, pairs]: readonly [string, string, readonly (readonly [string, string])[]]): Promise<void> => {
    const query = new URLSearchParams([...pairs].map(([key, value]): [string, string] => [key, value])).toString();
    const url = `${route.replace(':name', encodeURIComponent(name.toWellFormed()))}?${query}`;
    const answer = await all.app.inject(url);
    expect([200, 400, 404, 414, 503]).toContain(answer.statusCode);
    if (answer.statusCode >= 400 && !route.startsWith('/readyz'))
      expect(problem.parse(answer.json()).status).toBe(answer.statusCode);
    if (route !== '/api/v1/openapi.json') expectNothingOfTheInside(all, answer.body, answer.statusCode);
  };
  await fc.assert(fc.asyncProperty(request, ask), { numRuns: 300 });
  expect(all.log.filter((line) => line.includes('"level":50'))).toEqual([]);
});

test('any path is answered or refused, and none reaches a file', async () => {
  await using all = await silentApp({ safety: { requestsPerMinute: 1_000_000 } });
  const paths = fc.oneof(
    fc.array(anyText, { maxLength: 6 }).map((parts) => parts.map((part) => encodeURI(part.toWellFormed())).join('/')),
    fc.constantFrom(
      '../walvault.conf',
      '..%2fwalvault.conf',
      '%2e%2e/walvault.conf',
      'walvault.conf',
      '%',
      '%zz',
      '%ff%fe',
      'index.html/..',
    ),
  );
  await fc.assert(
    fc.asyncProperty(paths, async (path) => {
      const answer = await all.app.inject({ url: `/${path}`, method: 'GET' });
      expect([200, 301, 400, 404, 414]).toContain(answer.statusCode);
      expectNothingOfTheInside(all, answer.body);
    }),
    { numRuns: 200 },
  );
});

test('what an operator types wrong is told by the name of the parameter', async () => {
  await using all = await silentApp();
  const ask = async (query: string): Promise<unknown> => (await all.app.inject(`/api/v1/servers/pg/history?${query}`)).json();
  expect(await ask('metric=nonsense&depth=1')).toMatchObject({
    status: 400,
    errors: [{ parameter: 'metric' }, { parameter: 'depth', detail: 'there is no such parameter' }],
  });
  expect(await ask('metric=bytesPerSecond&from=2026-07-02T00:00:00Z&to=2026-07-01T00:00:00Z')).toMatchObject({
    detail: 'from must be before to',
  });
});

/** Sends bytes to a server that listens, and gives all it says until it closes the connection. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let heard = '';
  socket.on('data', (chunk: string) => (heard += chunk)).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  await once(socket, 'close');
  return heard;
}

test('what is no request, has headers without end, or comes too slowly, is let go', async () => {
  await using all = await silentApp();
  all.app.server.headersTimeout = 500;
  await all.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = all.app.server.address() as AddressInfo;
  const [noise, large, long, slow] = await Promise.all([
    say(port, 'SSH-2.0-nonsense\r\n\r\n'),
    say(port, `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`),
    say(port, `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`),
    say(port, 'GET / HTTP/1.1\r\nhost: local'),
  ]);
  expect(noise).toMatch(/^HTTP\/1.1 400 .*problem\+json/s);
  expect(large).toMatch(/^HTTP\/1.1 431 /);
  expect(long).toMatch(/^HTTP\/1.1 431 /);
  expect(slow).toMatch(/^HTTP\/1.1 408 /);
  for (const heard of [noise, large, long, slow]) expectNothingOfTheInside(all, heard);
  expect((await all.app.inject('/healthz')).statusCode).toBe(200);
});

test('a line break in what is asked makes no second line in the log', async () => {
  await using all = await silentApp();
  await all.app.inject({
    url: '/api/v1/servers/x%0a%7b%22level%22%3a60%7d',
    headers: { 'user-agent': 'a\tb', authorization: 'Bearer x' },
  });
  for (const line of all.log) expect(() => JSON.parse(line)).not.toThrow();
});
