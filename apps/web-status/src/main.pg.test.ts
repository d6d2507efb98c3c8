/** The real executable: what it refuses, what it serves, and what is left of it after a kill. */
import { readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority, type RunningProgram, runAsServerUser, startAsServerUser, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { unreachable } from './api/silent-app.test-support.ts';
import { configured, type ConfiguredServers } from './collector/configured.test-support.ts';
import { sectionFor } from './receiving.test-support.ts';
import type { HistorySeries } from './schema/history.ts';
import type { ServerList } from './schema/server-summary.ts';

const executable = fileURLToPath(new URL('../bin/walvault-web-status.js', import.meta.url));

function argv({ configFile }: ConfiguredServers, ...args: readonly string[]): readonly string[] {
  return [process.execPath, executable, '-c', configFile, ...args];
}

/** One that runs. */
interface Started extends AsyncDisposable {
  readonly program: RunningProgram;
  readonly port: number;
}

/** Starts it at a free port. */
async function start(fixture: ConfiguredServers, ...args: readonly string[]): Promise<Started> {
  const program = await startAsServerUser(argv(fixture, '--listen', '127.0.0.1:0', ...args));
  const [, port] = await program.waitForOutput(/"port":(\d+),.*"msg":"listening"/);
  return { program, port: Number(port), [Symbol.asyncDispose]: async () => program[Symbol.asyncDispose]() };
}

async function points(port: number): Promise<HistorySeries['points']> {
  return (await get<HistorySeries>(port, '/api/v1/servers/pg/history?metric=bytesPerSecond')).points;
}

async function textOf(
  ask: (onResponse: (response: IncomingMessage) => void) => { end(): void; on(event: 'error', on: (error: Error) => void): void },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = ask((response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function get<T>(port: number, path: string): Promise<T> {
  return JSON.parse(await textOf((on) => askHttp({ port, host: '127.0.0.1', path }, on))) as T;
}

test('what is not safe or makes no sense is refused at the start, in words', async () => {
  await using fixture = await configured({ pg: unreachable });
  const readable = join(fixture.home, 'readable');
  await writeFile(readable, 'a-token-of-some-length', { mode: 0o644 });
  const refuse = async (...args: readonly string[]) => {
    const { code, stderr } = await runAsServerUser(argv(fixture, ...args));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERROR: .+\nHINT: .+\n$/);
    return stderr;
  };
  const refusals = await Promise.all([
    refuse('--listen', '0.0.0.0:0'),
    refuse('--listen', '0.0.0.0:0', '--token-file', readable),
    refuse('--listen', 'nowhere'),
    refuse('--tls-cert', readable),
    refuse('--base-path', '/../x'),
    refuse('--trust-proxy', 'everybody'),
    refuse('--trust-proxy', '0.0.0.0/0'),
    refuse('--tls-cert', readable, '--tls-key', readable),
    refuse('--history', join(fixture.home, 'no', 'where')),
  ]);
  expect(refusals[0]).toContain('Give --token-file or --basic-auth-file, and --tls-cert with --tls-key, or --trust-proxy');
  expect(refusals[1]).toContain('can be read or changed by everybody');
});

test('the history outlives a kill, a second one does not get its file, and a reload brings new servers', async () => {
  await using fixture = await configured({ pg: unreachable });
  await using first = await start(fixture);
  await expect.poll(async () => (await points(first.port)).length).toBeGreaterThan(1);
  const kept = await points(first.port);
  const { code, stderr } = await runAsServerUser(argv(fixture, '--listen', '127.0.0.1:0'));
  expect([code, stderr]).toEqual([1, expect.stringContaining('another process uses the history')]);
  first.program.signal('SIGKILL');
  await first.program.exited;

  await using second = await start(fixture);
  expect((await points(second.port)).slice(0, kept.length)).toEqual(kept);
  await writeFile(
    fixture.configFile,
    (await readFile(fixture.configFile, 'utf8')).replace(
      '[pg]',
      '[other]\nconninfo = host=127.0.0.1 port=1\narchiver = on\n[pg]',
    ),
  );
  second.program.signal('SIGHUP');
  const names = async () => (await get<ServerList>(second.port, '/api/v1/servers')).servers.map(({ name }) => name);
  await expect.poll(names).toEqual(['other', 'pg']);
  second.program.signal('SIGTERM');
  expect((await second.program.exited).code).toBe(0);
  for (const line of second.program.stderr.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
});

test('by TLS with a token, of a real server, and no password in any answer', async () => {
  await using pg = await startCluster();
  const section = sectionFor(pg);
  await using fixture = await configured({ pg: { ...section, conninfo: `${section['conninfo']} password=s3cret` } });
  const authority = createAuthority();
  const { certificate, privateKey } = authority.issue({ commonName: 'localhost', names: ['localhost', '127.0.0.1'] });
  const path = (name: string): string => join(fixture.home, name);
  // A history that the disk has lost does not keep the page from saying whether the data is safe.
  await writeFile(path('walvault-web-status.sqlite'), 'no history '.repeat(500));
  await writeFile(path('cert'), certificate);
  await writeFile(path('key'), privateKey, { mode: 0o644 });
  await runAsServerUser(['sh', '-c', 'umask 077; echo a-token-of-some-length > "$1"', 'sh', path('token')]);
  await using started = await start(fixture, '--tls-cert', path('cert'), '--tls-key', path('key'), '--token-file', path('token'));
  const { program, port } = started;
  const ask = async (at: string, token = 'a-token-of-some-length') =>
    textOf((on) =>
      askHttps(
        { port, host: '127.0.0.1', path: at, ca: authority.certificate, headers: { authorization: `Bearer ${token}` } },
        on,
      ),
    );
  expect(JSON.parse(await ask('/api/v1/servers', 'wrong'))).toMatchObject({ status: 401 });
  const clients = async () => JSON.parse(await ask('/api/v1/servers/pg/clients')) as { clients: unknown };
  await expect.poll(async () => (await clients()).clients).not.toBeNull();
  const paths = ['', '/checks', '/clients', '/coverage', '/timelines', '/holes', '/events', '/restore-points'];
  const answers = await Promise.all([ask('/api/v1/servers'), ...paths.map(async (one) => ask(`/api/v1/servers/pg${one}`))]);
  expect(JSON.parse(answers[1] ?? '')).toMatchObject({ conninfo: expect.stringContaining('password=') as string });
  for (const answer of answers) expect(answer).not.toContain('s3cret');
  expect(program.stderr).not.toContain('s3cret');
  expect(program.stderr).toContain('ERR_HISTORY_DAMAGED');
});
