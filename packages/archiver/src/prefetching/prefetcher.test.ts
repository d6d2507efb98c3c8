import { readdirSync, readFileSync, type Stats } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { tryLock } from '@walvault/durable-fs';
import { expect, test, vi } from 'vitest';
import { history, segmentName, segmentSize, TestServer, walFile } from '../../testing.ts';
import { prefetch, type PrefetchOptions } from './prefetcher.ts';
import { Spool } from './spool.ts';

interface Bench extends AsyncDisposable {
  readonly server: TestServer;
  readonly spool: Spool;
  readonly destination: string;
  /** Starts a prefetcher with room for `count` segments; gives how it ends. */
  start(count: number, more?: Partial<PrefetchOptions>): Promise<'done' | 'busy'>;
  /** Names of what is ready. */
  ready(): readonly string[];
  take(name: string): Promise<boolean>;
}

/** A server with the segments 1 to 9 of timeline 1 in its archive. */
async function bench(): Promise<Bench> {
  const server = await TestServer.create();
  await server.put(...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => segmentName(1, number)));
  await mkdir(join(server.home, 'pg_wal'));
  const spool = await Spool.open(join(server.home, 'pg_wal', '.walvault', 'key'));
  const destination = join(server.home, 'pg_wal', 'RECOVERYXLOG');
  const stop = new AbortController();
  const running: Promise<unknown>[] = [];
  return {
    server,
    spool,
    destination,
    start: (count, more) => {
      const options = { spool, reading: async () => server.reading, bytes: count * segmentSize, ...more };
      const end = prefetch(options, stop.signal);
      running.push(end.catch(() => undefined));
      return end;
    },
    ready: () => {
      const directory = readdirSync(spool.directory).find((entry) => entry.startsWith('ready-'));
      const names = directory === undefined ? [] : readdirSync(join(spool.directory, directory));
      return names.filter((entry) => !entry.startsWith('.')).toSorted();
    },
    take: (name) => spool.take(name, destination),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(running);
      await server[Symbol.asyncDispose]();
    },
  };
}

const numbers = (...all: readonly number[]): readonly string[] => all.map((number) => segmentName(1, number));
const patiently = { timeout: 60_000, interval: 5 };

test('the segments behind the one that was asked for are made ready, as many as there is room for, and follow what is taken', async () => {
  await using at = await bench();
  await at.spool.ask(segmentName(1, 1));
  void at.start(3);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3, 4)), patiently);
  expect(await at.take(segmentName(1, 2))).toBe(true);
  expect((await readFile(at.destination)).equals(walFile(segmentName(1, 2)))).toBe(true);
  expect(await at.take(segmentName(1, 3))).toBe(true);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(4, 5, 6)), patiently);
});

test('over a switch of timelines, in the order that the history files tell', async () => {
  await using at = await bench();
  await at.server.write(at.server.archived('00000002.history'), history([1, '0/480000']));
  await at.server.put(segmentName(2, 4), segmentName(2, 5));
  await at.spool.ask(segmentName(1, 2));
  void at.start(5);
  await vi.waitFor(() => expect(at.ready()).toEqual([segmentName(1, 3), segmentName(2, 4), segmentName(2, 5)]), patiently);
});

test('where recovery asks for something else, what nobody will take goes and the rest follows', async () => {
  await using at = await bench();
  await at.spool.ask(segmentName(1, 1));
  void at.start(3);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3, 4)), patiently);
  await at.spool.ask(segmentName(1, 6));
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(7, 8, 9)), patiently);
  await at.spool.ask(segmentName(1, 1));
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3, 4)), patiently);
});

test('a damaged segment, and what is behind it, is never ready', async () => {
  await using at = await bench();
  const damaged = Buffer.from(walFile(segmentName(1, 3)));
  damaged[500_000]! ^= 1;
  await at.server.write(at.server.archived(segmentName(1, 3)), damaged);
  await at.spool.ask(segmentName(1, 1));
  void at.start(5);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2)), patiently);
  await at.server.put(segmentName(1, 3));
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3, 4, 5, 6)), patiently);
});

test('what is changed or gone in the archive is not ready any more', async () => {
  await using at = await bench();
  await at.spool.ask(segmentName(1, 1));
  void at.start(3);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3, 4)), patiently);
  const { ctimeMs } = await inReady(at, segmentName(1, 3));
  await at.server.write(at.server.archived(segmentName(1, 3)), zstdCompressSync(walFile(segmentName(1, 3))));
  await vi.waitFor(async () => expect((await inReady(at, segmentName(1, 3))).ctimeMs).toBeGreaterThan(ctimeMs), patiently);
  await rename(at.server.archived(segmentName(1, 3)), at.server.archived(segmentName(1, 40)));
  await vi.waitFor(() => expect(at.ready()).not.toContain(segmentName(1, 3)), patiently);
});

async function inReady({ spool }: Bench, name: string): Promise<Stats> {
  const directory = readdirSync(spool.directory).find((entry) => entry.startsWith('ready-'))!;
  return stat(join(spool.directory, directory, name));
}

test.each([
  [
    'of another cluster',
    async (at: Bench) =>
      at.server.write(at.server.archived(segmentName(1, 2)), walFile(segmentName(1, 2), { systemIdentifier: 1n })),
  ],
  ['that is not there', async (at: Bench) => rm(at.server.archived(segmentName(1, 2)))],
])('a segment %s is never ready', async (_, make) => {
  await using at = await bench();
  await make(at);
  await at.spool.ask(segmentName(1, 1));
  expect(await at.start(3, { idleMs: 300 })).toBe('done');
  expect(await at.take(segmentName(1, 2))).toBe(false);
});

test('it leaves when nobody asks, when it is sent away, when the archive is another one or when its directory is gone; and leaves nothing', async () => {
  await using at = await bench();
  await at.spool.ask(segmentName(1, 1));
  expect(await at.start(3, { idleMs: 100 })).toBe('done');
  expect(readdirSync(at.spool.directory)).toEqual(['asked', 'lock']);

  const dismissed = at.start(3);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3, 4)), patiently);
  await at.spool.dismiss();
  expect(await dismissed).toBe('done');
  expect(readdirSync(at.spool.directory)).toEqual(['asked', 'lock']);

  expect(await at.start(3, { reading: async () => undefined })).toBe('done');

  await at.spool.ask(segmentName(1, 1));
  const orphaned = at.start(3);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3, 4)), patiently);
  await rm(join(at.server.home, 'pg_wal'), { recursive: true });
  await expect(orphaned).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
});

test('a second one has nothing to do', async () => {
  await using at = await bench();
  await using lock = await tryLock(at.spool.lockPath);
  expect(lock).toBeDefined();
  expect(await at.start(3)).toBe('busy');
});

test('without room for it nothing is made ready, and less than a segment is no room', async () => {
  await using at = await bench();
  await at.spool.ask(segmentName(1, 1));
  expect(await at.start(Number.MAX_SAFE_INTEGER / segmentSize, { idleMs: 200 })).toBe('done');
  expect(await at.start(0.9, { idleMs: 200 })).toBe('done');
  expect(await at.take(segmentName(1, 2))).toBe(false);
});

test('garbage among the ready files gives way to what the archive has', async () => {
  await using at = await bench();
  await at.spool.ask(segmentName(1, 1));
  void at.start(2);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(2, 3)), patiently);
  const directory = readFileSync(Spool.wayFile(at.spool.directory), 'utf8').trim().split('/').at(-1)!;
  await writeFile(join(at.spool.directory, directory, segmentName(1, 4)), 'garbage');
  expect(await at.take(segmentName(1, 2))).toBe(true);
  await vi.waitFor(() => expect(at.ready()).toEqual(numbers(3, 4)), patiently);
  await vi.waitFor(async () => expect((await inReady(at, segmentName(1, 4))).size).toBe(segmentSize), patiently);
});
