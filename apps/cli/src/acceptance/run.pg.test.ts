/** `run`: eight servers in one process, some of them down, one slow, one flooding; each test leaves them as it found them. */
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReceiverState } from '@walvault/core';
import type { RunState } from '@walvault/core/running';
import { type Cluster, type FaultProxy, faultProxy, fillSegments, type RunningProgram, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { commandLine, type Section, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let other: Cluster;
let proxy: FaultProxy;
let vault: Vault;
let run: RunningProgram;
let servers: Record<string, Section>;

const up = ['pg', 'pg-b', 'other', 'slow'] as const;
const down = ['down1', 'down2', 'down3', 'down4'] as const;

beforeAll(async () => {
  [pg, other] = await Promise.all([startCluster({ segmentSizeMb: 1 }), startCluster({ segmentSizeMb: 1 })]);
  proxy = stack.use(await faultProxy({ target: other }));
  stack.use(pg);
  stack.use(other);
  servers = {
    pg: section(pg, 'a'),
    'pg-b': section(pg, 'b'),
    other: section(other, 'c'),
    slow: section(other, 'd', { streaming_conninfo: other.conninfo({ host: proxy.host, port: proxy.port }) }),
    ...Object.fromEntries(down.map((name) => [name, section(pg, 'x', { conninfo: 'host=127.0.0.1 port=1 user=x' })])),
  };
  vault = stack.use(await Vault.create(servers));
  run = await vault.start('run');
});

afterAll(() => stack[Symbol.asyncDispose]());

function section(cluster: Cluster, slot: string, more: Section = {}): Section {
  return sectionFor(cluster, { slot_name: slot, create_slot: 'auto', ...more });
}

async function readJson<T>(server: string, file: string): Promise<T | undefined> {
  return readFile(join(vault.home, server, file), 'utf8').then(
    (text) => JSON.parse(text) as T,
    () => undefined,
  );
}

const receiver = (server: string): Promise<ReceiverState | undefined> => readJson(server, 'receive-wal.json');
const state = (server: string): Promise<RunState | undefined> => readJson(server, 'run.json');

async function expectStreaming(...names: readonly string[]): Promise<void> {
  for (const name of names) await expect.poll(() => receiver(name)).toMatchObject({ phase: 'streaming' });
}

/** Whether a segment of a server is in its archive. */
function isArchived(server: string, name: string): boolean {
  return existsSync(join(vault.home, server, 'wals', name.slice(0, 16), name));
}

async function reload(globals: Section = {}): Promise<void> {
  await vault.configure(servers, globals);
  process.kill(run.pid, 'SIGHUP');
}

/** What the log says of a segment of a server. */
function toldOf(server: string, segment: string): readonly string[] {
  const lines = `${run.stdout}${run.stderr}`
    .split('\n')
    .filter((line) => line.includes(segment) && line.includes(`"server":"${server}"`));
  return lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
}

test('all that can be reached are received and archived by one process; those that are down wait', async () => {
  await expectStreaming(...up);
  const [full, others] = await Promise.all([fillSegments(pg, 4), fillSegments(other, 1)]);
  for (const name of full) for (const server of ['pg', 'pg-b']) await expect.poll(() => isArchived(server, name)).toBe(true);
  for (const name of others) for (const server of ['other', 'slow']) await expect.poll(() => isArchived(server, name)).toBe(true);
  expect(await expectSameWal(pg, vault)).toEqual(expect.arrayContaining(full));
  for (const name of down)
    await expect.poll(() => receiver(name)).toMatchObject({ phase: 'waiting', lastError: { code: 'ERR_CONNECT' } });
  expect(vault.processes()).toEqual([run.pid]);
  // A file is in its place before it is noted, and told when it is.
  await expect.poll(() => toldOf('pg', full[0]!)).toEqual(['finished segment', `archived "${full[0]}"`]);
  await expect
    .poll(() => state('pg'))
    .toMatchObject({
      pid: run.pid,
      receiver: { phase: 'working' },
      archiver: { phase: 'idle', lastError: null },
    });
});

test('probes tell who is alive and who is ready', async () => {
  expect(await vault.run('run', '--check')).toMatchObject({ code: 0 });
  expect(await vault.run('run', '--check', 'pg', 'slow')).toMatchObject({ code: 0, stdout: 'pg: alive\nslow: alive\n' });
  expect(await vault.run('run', '--check', 'ready', ...up)).toMatchObject({
    code: 0,
    stdout: up.map((name) => `${name}: ready\n`).join(''),
  });
  const { code, stderr } = await vault.run('run', '--check', 'ready');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERROR: down1: no WAL is received: waiting, .*127\.0\.0\.1.*$/m);
});

test('cron leaves alone what run does, receive-wal sees it at work, --stop and a second run say why they do nothing', async () => {
  const { code, stdout } = await vault.run('cron');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(await vault.run('receive-wal', 'pg')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`Process ${run.pid} is at work`) as string,
  });
  const stop = await vault.run('receive-wal', '--stop', 'pg');
  expect(stop).toMatchObject({ code: 1, stderr: expect.stringContaining(`a part of walvault run(${run.pid})`) as string });
  for (const names of [[], ['slow', 'down1']]) {
    const second = await vault.run('run', ...names);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`run is at work for server \\S+ already \\(process ${run.pid}\\)`));
  }
  await expectStreaming(...up);
});

test('a receiver that crashes is started again, and nothing happens to the others', async () => {
  const before = await Promise.all(up.map(receiver));
  // Its directory is gone under its feet, and a file stands in its place: the next segment cannot be written.
  const streaming = join(vault.home, 'pg-b', 'streaming');
  await rename(streaming, `${streaming}.aside`);
  await writeFile(streaming, '');
  await fillSegments(pg, 2);
  await expect.poll(() => state('pg-b')).toMatchObject({ receiver: { phase: 'restarting' } });
  const meanwhile = await fillSegments(pg, 1);
  for (const name of meanwhile) await expect.poll(() => isArchived('pg', name)).toBe(true);
  await rm(streaming);
  await rename(`${streaming}.aside`, streaming);
  await expect.poll(() => state('pg-b')).toMatchObject({ receiver: { phase: 'working' } });
  for (const name of meanwhile) await expect.poll(() => isArchived('pg-b', name)).toBe(true);
  for (const [index, name] of up.entries()) {
    if (name === 'pg-b') continue;
    const [was, is] = [before[index], await receiver(name)];
    expect([name, is?.startedAt, is?.reconnects]).toEqual([name, was?.startedAt, was?.reconnects]);
  }
});

test('a slow server and a flood delay nobody else', async () => {
  proxy.throttle(64 * 1024);
  const flood = fillSegments(other, 24);
  const mine = await fillSegments(pg, 2);
  // The slow one would need six minutes.
  for (const name of mine) await expect.poll(() => isArchived('pg', name)).toBe(true);
  const last = (await flood).at(-1)!;
  await expect.poll(() => isArchived('other', last)).toBe(true);
  expect(isArchived('slow', last)).toBe(false);
  proxy.throttle(Infinity);
  await expect.poll(() => isArchived('slow', last)).toBe(true);
});

test('SIGHUP starts, stops and changes what is different, and leaves the rest alone', async () => {
  const before = await receiver('other');
  const { down4, slow, ...rest } = servers;
  servers = {
    ...rest,
    slow: { ...slow, active: 'false' },
    fresh: { ...servers['pg'], slot_name: 'e' },
    'pg-b': { ...rest['pg-b'], slot_name: 'b2' },
  };
  await reload();
  await expectStreaming('fresh');
  await expect.poll(() => receiver('slow')).toMatchObject({ phase: 'stopped' });
  await expect.poll(() => receiver('down4')).toMatchObject({ phase: 'stopped' });
  await expect.poll(() => receiver('pg-b')).toMatchObject({ phase: 'streaming', slotName: 'b2' });
  expect(await receiver('other')).toMatchObject({
    phase: 'streaming',
    startedAt: before?.startedAt,
    reconnects: before?.reconnects,
  });
  // What run has let go of is anybody's again.
  servers = { ...servers, slow: slow!, down4: down4! };
  await reload();
  await expectStreaming('slow');
  await reload({ log_level: 'loud' });
  await expect.poll(() => run.stderr).toContain('the old one still counts');
  await vault.configure(servers);
  await expectStreaming(...up);
});

test('each line of the log is JSON, and names the server that it is about', async () => {
  const lines = run.stderr.split('\n').filter((line) => line.startsWith('{'));
  const entries = lines.map((line) => JSON.parse(line) as { msg: string; server?: string });
  for (const name of [...up, ...down]) expect(entries.some(({ server }) => server === name)).toBe(true);
  expect(entries.find(({ msg }) => msg === 'finished segment')?.server).toBeDefined();
});

test('SIGTERM ends it in good order, within ten seconds', async () => {
  expect(await run.kill('SIGTERM')).toMatchObject({ code: 0 });
  for (const name of up)
    expect(await receiver(name)).toMatchObject({ phase: 'stopped', acknowledgedLsn: expect.any(String) as string });
  expect(run.stderr).toContain('ended in good order');
  expect(commandLine(run.pid)).toEqual([]);
  expect(await vault.run('run', '--check', 'alive', 'pg')).toMatchObject({
    code: 1,
    stderr: 'ERROR: pg: is not looked after by run\n',
  });
});
