/** Things that go wrong on this machine, planted one at a time: each check is seen to fail, and to be fine again when the fault is gone. */
import { copyFile, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerConfig } from '@walvault/config';
import { type Cluster, fillSegments } from '@walvault/testkit';
import { tryParseWalFileName } from '@walvault/wal';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acceptServerHoles } from '../accept-server-holes.ts';
import { writeLastVerification } from '../last-verification.ts';
import type { ReceiverState } from '../receiver-state.ts';
import { holesPath, statePath } from '../server-paths.ts';
import { CheckedWorld, look, troubles } from './checked-world.test-support.ts';

const stack = new AsyncDisposableStack();
let world: CheckedWorld;
let pg: Cluster;
let server: ServerConfig;

beforeAll(async () => {
  world = stack.use(await CheckedWorld.create({ settings: { wal_keep_size: 0 } }));
  ({ pg, server } = world);
});

afterAll(() => stack[Symbol.asyncDispose]());

/** The segments in the archive, as paths, in order. */
async function archived(): Promise<readonly string[]> {
  const { wals } = server.directories;
  const names = await readdir(wals, { recursive: true });
  return names
    .filter((name) => tryParseWalFileName(name.slice(name.indexOf('/') + 1))?.kind === 'segment')
    .toSorted()
    .map((name) => join(wals, name));
}

async function plant(directory: string, ...names: readonly string[]): Promise<AsyncDisposable> {
  await mkdir(directory, { recursive: true });
  for (const name of names) await writeFile(join(directory, name), '');
  return { [Symbol.asyncDispose]: async () => void (await Promise.all(names.map((name) => rm(join(directory, name))))) };
}

const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);

describe('in the directories', () => {
  test('files that nobody takes, and more than may wait', async () => {
    const { incoming, streaming } = server.directories;
    expect((await look({ ...server, streamingArchiver: false })).get('empty streaming directory')).toBe(
      `failed: '${streaming}' must be empty when streaming_archiver=off`,
    );
    {
      await using _ = await plant(incoming, '000000010000000000000001');
      expect((await look(server)).get('empty incoming directory')).toBe(`failed: '${incoming}' must be empty when archiver=off`);
      const full = await look({ ...server, archiver: true, maxIncomingWalsQueue: 0 });
      expect(full.get('incoming WALs directory')).toBe('failed: there are too many WALs in queue: 1, max 0');
      expect((await look({ ...server, archiver: true, maxIncomingWalsQueue: 1 })).has('incoming WALs directory')).toBe(false);
    }
    await fillSegments(pg, 2);
    await world.caughtUp();
    expect((await look({ ...server, maxIncomingWalsQueue: 1 })).get('streaming WALs directory')).toMatch(
      /^failed: there are too many WALs in queue: [23], max 1$/,
    );
    await world.archive();
    expect(troubles(await look({ ...server, maxIncomingWalsQueue: 0 }))).toEqual([]);
  });

  test('what could not be archived', async () => {
    {
      await using _ = await plant(
        server.directories.errors,
        'a.X.unknown',
        'b.X.unknown',
        'c.X.duplicate',
        'd.X.invalid',
        'd.X.invalid.reason',
        'e',
      );
      expect((await look(server)).get('archiver errors')).toBe(
        'failed: unknown: 2, duplicates: 1, invalid: 1, unknown failure: 1',
      );
    }
    expect((await look(server)).get('archiver errors')).toBe('ok');
  });

  test('a compression whose program is missing', async () => {
    const { PATH } = process.env;
    try {
      process.env['PATH'] = '/nonexistent';
      expect((await look({ ...server, compression: 'xz' })).get('compression settings')).toMatch(/^failed: .*xz/);
      expect((await look({ ...server, compression: 'zstd' })).get('compression settings')).toBe('ok');
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  test('segments that wait for too long', async () => {
    const [segment] = await archived();
    const name = segment!.slice(-24);
    const copy = join(server.directories.streaming, name);
    await copyFile(segment!, copy);
    expect((await look(server)).get('archive queue')).toMatch(/^ok: 1 waiting, the oldest for /);
    await utimes(copy, hoursAgo(3), hoursAgo(3));
    expect((await look(server)).get('archive queue')).toMatch(/^failed: 1 waiting, the oldest for 3 hours/);
    expect((await look({ ...server, archiveDelayLimitMs: 4 * 3_600_000 })).get('archive queue')).toMatch(/^ok: /);
    await world.archive();
    expect((await look(server)).get('archive queue')).toBe('ok');
  });

  test('a disk that will soon be full', async () => {
    const list = join(server.directories.wals, 'xlog.db');
    const before = await readFile(list);
    expect((await look(server)).get('free disk space')).toMatch(
      /^ok: .* free, which lasts (more than a year|\d+ (day|hour)s?) at the rate of the last day$/,
    );
    const empty = before.toString().replaceAll(/\t\d+\t/g, '\t1\t');
    await writeFile(list, empty);
    expect((await look(server)).get('free disk space')).toMatch(/^ok: .*, which lasts more than a year at the rate of/);
    await writeFile(list, `${before.toString()}000000010000000000000001\t${10 ** 15}\t${Date.now() / 1000}\tNone\n`);
    expect((await look(server)).get('free disk space')).toMatch(/^failed: .*; free_space_hours is 24$/);
    expect((await look({ ...server, freeSpaceHours: 0 })).get('free disk space')).toMatch(/^ok: /);
    await writeFile(list, 'no line\n');
    expect((await look(server)).get('wal size')).toMatch(/^failed: /);
    await writeFile(list, before);
    expect((await look(server)).get('wal size')).toMatch(/^ok: \d+\.\d MiB$/);
  });
});

describe('in the archive', () => {
  test('a segment that is missing, and a hole that was accepted', async () => {
    const [, segment] = await archived();
    await rename(segment!, `${segment!}.aside`);
    const name = segment!.slice(-24);
    expect((await look(server)).get('holes')).toMatch(new RegExp(`^failed: ${name} is missing\\. See: walvault heal-wal`));
    const at = (offset: number): string => `0/${(Number.parseInt(name.slice(-8), 16) * 1024 ** 2 + offset).toString(16)}`;
    const hole = {
      timelineId: 1,
      fromLsn: at(100),
      toTimelineId: 1,
      toLsn: at(1024 ** 2),
      reason: 'walRemoved',
      foundAt: hoursAgo(1).toISOString(),
      resolvedAt: null,
    };
    const record = async (resolvedBy: string | null): Promise<void> =>
      writeFile(holesPath(server), JSON.stringify({ version: 1, holes: [{ ...hole, resolvedBy }] }));
    await record('reset');
    expect((await look(server)).get('holes')).toBe(
      'ok: 1 segment is missing where a hole was accepted: no recovery goes past it',
    );
    await record('continued');
    expect((await look(server)).get('holes')).toMatch(
      /^warning: 1 segment is missing where streaming went on .*base backup, then: walvault heal-wal --accept-holes pg$/,
    );
    expect(await acceptServerHoles(server)).toMatchObject([{ fromLsn: hole.fromLsn, resolvedBy: 'continued' }]);
    expect(await acceptServerHoles(server)).toEqual([]);
    expect((await look(server)).get('holes')).toMatch(/^ok: 1 segment is missing where a hole was accepted/);
    // One that is lost beside it is not what was accepted.
    const [, next] = await archived();
    await rename(next!, `${next!}.aside`);
    expect((await look(server)).get('holes')).toMatch(/^failed: .* are missing \(2\)\. See: walvault heal-wal --dry-run pg$/);
    await rename(`${next!}.aside`, next!);
    await record(null);
    expect((await look(server)).get('holes')).toMatch(/^failed: streaming stands at a hole from .* See: walvault doctor pg$/);
    await writeFile(holesPath(server), 'half of it');
    expect((await look(server)).get('holes')).toMatch(/^failed: .*does not hold a record of holes/);
    await rm(holesPath(server));
    await rename(`${segment!}.aside`, segment!);
    expect((await look(server)).get('holes')).toBe('ok');
  });

  test('what a verification has found, and one that is long ago', async () => {
    const report = { good: 4, bad: 0, unknown: 0, holes: 0, missingSegments: 0 };
    await writeLastVerification(server, { ...report, verdict: 'bad', bad: 1 });
    expect((await look(server)).get('WAL verification')).toMatch(/^failed: bad .* ago: 4 good, 1 bad, .*heal-wal --dry-run pg$/);
    await writeLastVerification(server, { ...report, verdict: 'unknown', unknown: 1 });
    expect((await look(server)).get('WAL verification')).toMatch(/^warning: unknown /);
    await writeLastVerification(server, { ...report, verdict: 'good' });
    expect((await look(server)).get('WAL verification')).toMatch(/^ok: good /);
    expect((await look({ ...server, verifyIntervalMs: 0.001 })).get('WAL verification')).toMatch(/^warning: good /);
  });

  test('nothing that was archived lately, unless nothing came or all of it is here', async () => {
    for (const segment of await archived()) await utimes(segment, hoursAgo(2), hoursAgo(2));
    const old = { ...server, lastWalMaximumAgeMs: 3_600_000 };
    expect((await look(old)).get('wal maximum age')).toMatch(
      /^ok: interval provided: 1 hour, latest wal age: 2 hours.*; all that the server has is here$/,
    );
    const shipped = { ...old, streamingArchiver: false, archiver: true };
    expect((await look(shipped)).get('wal maximum age')).toMatch(/^failed: interval provided: 1 hour, latest wal age: 2 hours/);
    await pg.query(`alter system set archive_timeout = '1min'`);
    await pg.reload();
    await pg.waitFor(`select current_setting('archive_timeout') = '1min'`);
    expect((await look(shipped)).get('wal maximum age')).toMatch(/^ok: .*; the server has written nothing since$/);
    const archiveOnly = { ...shipped, lastWalMaximumAgeMs: 3 * 3_600_000 };
    expect((await look(archiveOnly)).get('wal maximum age')).toMatch(/^ok: interval provided: 3 hours, latest wal age: 2 hours/);
  });
});

describe('when nobody receives', () => {
  beforeAll(async () => {
    await world.stopReceiving();
    await fillSegments(pg, 4);
  });

  test('it is told what is missing here, and how old that can be', async () => {
    const fine = await look(server);
    expect(fine.get('receive-wal running')).toMatch(/^failed: stopped at .*\. Start it: walvault receive-wal pg$/);
    expect(fine.get('replication slot')).toBe(`failed: slot 'barman' not active: is 'receive-wal' running?`);
    expect(fine.get('receive lag')).toMatch(/^ok: \d\.\d MiB not durable here$/);
    expect(fine.get('RPO')).toMatch(/^ok: not durable here: \d\.\d MiB, at most .*; not archived: /);
    const strict = await look({ ...server, receiveLagLimit: 1024 ** 2, rpoLimitMs: 0.001 });
    expect(strict.get('receive lag')).toMatch(/^failed: \d\.\d MiB not durable here, receive_lag_limit is 1\.0 MiB$/);
    expect(strict.get('RPO')).toMatch(/^failed: .*; rpo_limit is less than one second$/);
  });

  test('a server that was not heard for long', async () => {
    const state = JSON.parse(await readFile(statePath(server), 'utf8')) as ReceiverState;
    await writeFile(statePath(server), JSON.stringify({ ...state, lastMessageAt: hoursAgo(1).toISOString() }));
    expect((await look(server)).get('last received')).toMatch(/^failed: the server was last heard 1 hour/);
    await writeFile(statePath(server), JSON.stringify(state));
    expect((await look(server)).get('last received')).toMatch(/^ok: the server was last heard /);
  });

  test('a slot that keeps too much, and one that has lost it', async () => {
    expect((await look(server)).get('slot retention')).toMatch(/^ok: slot 'barman' keeps \d+MB of WAL$/);
    expect((await look({ ...server, slotRetainedLimit: 7 * 1024 ** 2 })).get('slot retention')).toMatch(/^warning: /);
    expect((await look({ ...server, slotRetainedLimit: 1024 ** 2 })).get('slot retention')).toMatch(/^failed: /);
    await pg.query(`alter system set max_slot_wal_keep_size = '1MB'`);
    await pg.reload();
    await pg.waitFor(`select wal_status in ('unreserved', 'lost') from pg_replication_slots where slot_name = 'barman'`);
    expect((await look(server)).get('slot retention')).toMatch(/^failed: /);
    await pg.query(`alter system reset max_slot_wal_keep_size`);
    await pg.reload();
  });

  test('a receiver that died, one that failed, and one that waits, say why', async () => {
    const state = JSON.parse(await readFile(statePath(server), 'utf8')) as ReceiverState;
    const lastError = { code: 'ERR_WAL_REMOVED', message: 'it is gone', hint: null, at: '' };
    const said = async (change: Partial<ReceiverState>): Promise<string | undefined> => {
      await writeFile(statePath(server), JSON.stringify({ ...state, ...change }));
      return (await look(server)).get('receive-wal running');
    };
    expect(await said({ phase: 'streaming' })).toMatch(/^failed: died after /);
    expect(await said({ phase: 'failed', lastError })).toMatch(/^failed: failed: ERR_WAL_REMOVED: it is gone\. /);
    await writeFile(statePath(server), '{"version": 1, "pha');
    expect((await look(server)).get('receive-wal running')).toMatch(
      /^failed: ".+\/receive-wal\.json" does not hold the state of a receiver: it is no JSON, or only a part of it\. Start it: walvault receive-wal pg$/,
    );
    expect((await look(server)).get('last received')).toMatch(/^failed: ".+\/receive-wal\.json" does not hold/);
    await rm(statePath(server));
    expect((await look(server)).get('receive-wal running')).toMatch(/^failed: never started/);
    await writeFile(statePath(server), JSON.stringify(state));
  });
});
