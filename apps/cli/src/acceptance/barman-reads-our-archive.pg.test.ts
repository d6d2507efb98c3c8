import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Acknowledged,
  type Barman,
  type Cluster,
  fillSegments,
  startCluster,
  startExisting,
  startWorkload,
  temporaryDirectory,
  verifyWorkload,
} from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barmanBeside, custom, receiveByBarman, sharedCompressions, untilStreamed } from './barman.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/**
 * Barman took a base backup; then walvault received and archived, a few segments in each compression that Barman knows. The
 * server is gone.
 */
const stack = new AsyncDisposableStack();
const archivedBy = new Map<string, readonly string[]>();
const written = new Map<string, Buffer>();
let vault: Vault;
let barman: Barman;
let acknowledged: Acknowledged;

beforeAll(async () => {
  await using pg = await startCluster({ major: 15, segmentSizeMb: 1, settings: { wal_keep_size: '1GB' } });
  vault = stack.use(await Vault.create({ pg: sectionFor(pg, custom) }));
  barman = stack.use(await barmanBeside(vault, pg));
  await backUpByBarman(pg);
  await using workload = await startWorkload(pg, { pauseMs: 5 });
  await vault.startReceiver();
  for (const { name, section } of sharedCompressions) {
    await vault.configure({ pg: sectionFor(pg, { ...custom, compression: 'none', ...section }) });
    archivedBy.set(name, await archiveSome(pg));
  }
  acknowledged = await workload.stop();
  await pg.query(`select pg_create_restore_point('the end')`);
  await pg.switchWal();
  await caughtUp(pg);
  await vault.stopReceiver(pg);
  await vault.succeed('archive-wal', 'pg');
  for (const name of await pg.walFiles()) written.set(name, await readFile(join(pg.walDirectory, name)));
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Barman refuses to back up before its archive has a segment, and leaves the last one in place while no partial follows. */
async function backUpByBarman(pg: Cluster): Promise<void> {
  await barman.succeed('receive-wal', '--create-slot', 'pg');
  await receiveByBarman(barman, pg, async () => {
    await pg.switchWal();
    await pg.query(`select pg_logical_emit_message(true, 'test', 'next segment')`);
    await untilStreamed(barman, (names) => names.some((name) => name.endsWith('.partial')));
    await barman.succeed('archive-wal', 'pg');
    expect(await barman.succeed('backup', 'pg')).toContain('Backup completed');
    return [];
  });
}

/** Segments that walvault archives now: the names that its archive has more than before. */
async function archiveSome(pg: Cluster): Promise<readonly string[]> {
  const before = new Set(namesInArchive());
  await fillSegments(pg, 1);
  await pg.switchWal();
  await caughtUp(pg);
  await vault.succeed('archive-wal', 'pg');
  const names = namesInArchive().filter((name) => !before.has(name));
  expect(names.length).toBeGreaterThanOrEqual(1);
  return names;
}

function namesInArchive(): readonly string[] {
  return readdirSync(vault.path('wals'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.slice(path.lastIndexOf('/') + 1))
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .toSorted();
}

/** The lines of xlog.db that tell of segments, in order of name. */
async function segmentLines(): Promise<readonly string[]> {
  const text = await readFile(vault.path('wals', 'xlog.db'), 'utf8');
  return text
    .split('\n')
    .filter((line) => /^[0-9A-F]{24}\t/.test(line))
    .toSorted();
}

test('Barman lists all that we archived', async () => {
  const listed = await barman.succeed('list-files', '--target', 'wal', 'pg', 'latest');
  const names = listed
    .trim()
    .split('\n')
    .map((path) => path.slice(path.lastIndexOf('/') + 1));
  expect(names).toEqual(expect.arrayContaining([...archivedBy.values()].flat()));
});

test.each(sharedCompressions)('Barman gets from what we compressed by $name exactly what the server wrote', async ({ name }) => {
  await using target = await temporaryDirectory('target');
  const segment = archivedBy.get(name)![0]!;
  await barman.succeed('get-wal', '-o', target.path, 'pg', segment);
  expect((await readFile(join(target.path, segment))).equals(written.get(segment)!)).toBe(true);
});

test('Barman rebuilds the same xlog.db from our files', async () => {
  const before = await segmentLines();
  expect(await barman.succeed('rebuild-xlogdb', 'pg')).toContain(`wal_file: ${before.length}`);
  expect(await segmentLines()).toEqual(before);
});

test('walvault knows which backup of Barman a restore point is reached from', async () => {
  const backup = (await barman.succeed('list-backup', '--minimal', 'pg')).trim();
  const said = await vault.succeed('find-target', 'pg', '--name', 'the end');
  expect(said).toMatch(new RegExp(`Base backup: +${backup}, ended`));
  expect(said).toMatch(/Reachable: +yes/);
});

test('Barman recovers its base backup with the WAL that we archived, and no acknowledged row is missing', async () => {
  await using home = await temporaryDirectory('recovered');
  const data = join(home.path, 'data');
  expect(await barman.succeed('recover', 'pg', 'latest', data)).toContain(
    'Your PostgreSQL server has been successfully prepared',
  );
  await using server = await startExisting(data, { segmentSizeMb: 1 });
  await server.waitFor('select not pg_is_in_recovery()');
  expect(acknowledged.count).toBeGreaterThan(0);
  expect((await verifyWorkload(server, acknowledged)).lost).toEqual([]);
});
