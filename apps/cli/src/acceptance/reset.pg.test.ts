import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, fillSegments, findProgram, startAsServerUser } from '@walvault/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  dropAndRecreateSlot,
  expectSameFrom,
  forgetfulCluster,
  forgetWal,
  holesOf,
  letSlotsLose,
  partialSegment,
  stoppedVault,
} from './holes.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;

beforeAll(async () => {
  // pg_receivewal that is at hand may not know a later one.
  pg = stack.use(await forgetfulCluster(15));
});

afterAll(() => stack[Symbol.asyncDispose]());

afterEach(async () => {
  await pg.waitFor('select count(*) = 0 from pg_stat_replication');
  await pg.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots');
  await letSlotsLose(pg, 'nothing');
});

const aligned = 'Nothing to do. Position of receive-wal is aligned.\n';

/** pg_receivewal as Barman would start it; it ends by itself when the server says no. */
async function pgReceivewal(directory: string): Promise<AsyncDisposable & Awaited<ReturnType<typeof startAsServerUser>>> {
  const { path, env } = findProgram('pg_receivewal');
  const argv = [path, '-D', directory, '-S', 'barman', '--no-loop', '-d', pg.conninfo({ dbname: undefined })];
  return startAsServerUser(argv, { env });
}

/** What a successful reset says; the segment where it goes on is in it. */
function expectReset(result: { code: number | null; stdout: string; stderr: string }, vault: Vault): string {
  const path = /^Resetting receive-wal directory status\nCreating status file (\S+)\n$/.exec(result.stdout)?.[1];
  expect(path, result.stdout + result.stderr).toMatch(/\/streaming\/[0-9A-F]{24}\.partial$/);
  expect(result.stderr).toMatch(
    /^WARNING: WAL is missing: from \S+ on timeline 1 to \S+ on timeline 1, segments [0-9A-F]{24} to [0-9A-F]{24}\nWARNING: Backups from before that hole cannot be recovered past it: take a new base backup\. The hole is on record in .+\/holes\.json\n$/,
  );
  expect(result.code).toBe(0);
  expect(path).toContain(vault.path('streaming'));
  return path!.slice(-32, -8);
}

test("the dead end of Barman's reset is none: a slot that stands where WAL was removed is not aligned", async () => {
  await using vault = await stoppedVault(pg);
  const partial = partialSegment(vault);
  // A failed start of pg_receivewal can leave the slot at the place where it would have gone on; here it is put there.
  const slotFile = join(pg.dataDirectory, 'pg_replslot/barman/state');
  await pg.query('checkpoint');
  const slot = await readFile(slotFile);
  await dropAndRecreateSlot(pg, vault);
  await pg.stop();
  await writeFile(slotFile, slot);
  await pg.start();
  expect(await pg.value('select pg_walfile_name(restart_lsn + 1) from pg_replication_slots')).toBe(partial);

  const before = await readFile(vault.path('streaming', `${partial}.partial`));
  const start = expectReset(await vault.run('receive-wal', '--reset', 'pg'), vault);
  expect(start).toBe((await pg.walFiles())[0]);
  expect(await holesOf(vault)).toMatchObject([{ reason: 'walRemoved', resolvedBy: 'reset', resolvedAt: expect.any(String) }]);
  expect(await readFile(vault.path('streaming', `${partial}.partial`))).toEqual(before);
  expect(await vault.run('receive-wal', '--reset', 'pg')).toMatchObject({ code: 0, stdout: aligned, stderr: '' });

  await vault.startReceiver();
  await fillSegments(pg, 1);
  await caughtUp(pg);
  expect((await expectSameFrom(pg, vault, partial))[0]).toBe(start);
  expect(await holesOf(vault)).toHaveLength(1);
  expect(await vault.run('restore-wal', 'pg', partial, join(vault.home, 'x'))).toMatchObject({ code: 255 });
  await vault.succeed('receive-wal', '--stop', 'pg');
});

test('a reset goes on where the slot keeps WAL, and pg_receivewal takes it up there as well', async () => {
  await using vault = await stoppedVault(pg);
  await dropAndRecreateSlot(pg, vault);
  const kept = await pg.value('select pg_walfile_name(restart_lsn + 1) from pg_replication_slots');
  const start = expectReset(await vault.run('receive-wal', '--reset', 'pg'), vault);
  expect(start).toBe(kept);
  await using program = await pgReceivewal(vault.path('streaming'));
  const [full] = await fillSegments(pg, 1);
  await expect.poll(() => vault.names('streaming')).toContain(full);
  await program.kill('SIGINT');
  expect(vault.names('streaming')).toContain(start);
  await expectSameFrom(pg, vault, start);
});

test('a reset makes a lost slot anew, which would serve nobody', async () => {
  await using vault = await stoppedVault(pg);
  await letSlotsLose(pg, 'WAL');
  await forgetWal(pg, partialSegment(vault));
  await pg.waitFor(`select wal_status = 'lost' from pg_replication_slots`);
  await letSlotsLose(pg, 'nothing');
  const { stdout, ...result } = await vault.run('receive-wal', '--reset', 'pg');
  const line = `Replication slot 'barman' had lost its WAL: dropped and created anew\n`;
  expect(stdout.startsWith(line), stdout).toBe(true);
  expectReset({ ...result, stdout: stdout.slice(line.length) }, vault);
  expect(await holesOf(vault)).toMatchObject([{ reason: 'slotLost', resolvedBy: 'reset' }]);
  await vault.startReceiver();
  await caughtUp(pg);
  await vault.succeed('receive-wal', '--stop', 'pg');
});

test('without its slot there is no reset, and nothing changes', async () => {
  await using vault = await stoppedVault(pg);
  await vault.succeed('receive-wal', '--drop-slot', 'pg');
  const before = vault.names('streaming');
  const { code, stdout, stderr } = await vault.run('receive-wal', '--reset', 'pg');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    /^ERROR: replication slot 'barman' doesn't exist\. Please execute 'walvault receive-wal --create-slot pg'\nHINT: .+\n$/,
  );
  expect(vault.names('streaming')).toEqual(before);
});

test('where streaming can go on, there is nothing to reset, also for a server that is not active', async () => {
  await using vault = await stoppedVault(pg);
  expect(await vault.run('receive-wal', '--reset', 'pg')).toMatchObject({ code: 0, stdout: aligned, stderr: '' });
  await vault.configure({ pg: sectionFor(pg, { active: 'false' }) });
  expect(await vault.run('receive-wal', '--reset', 'pg')).toMatchObject({ code: 0, stdout: aligned });
  await using fresh = await Vault.create({ pg: sectionFor(pg) });
  expect(await fresh.run('receive-wal', '--reset', 'pg')).toMatchObject({ code: 0, stdout: aligned });
  expect(fresh.names('streaming')).toEqual([]);
});

test('a receiver that runs is not reset, and --stop --reset makes no sense', async () => {
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await vault.startReceiving();
  expect(await vault.run('receive-wal', '--reset', 'pg')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      'ERROR: Unable to reset the status of receive-wal for server pg. Process is still running\n' +
      'HINT: Stop it first: walvault receive-wal --stop pg\n',
  });
  expect(await vault.run('receive-wal', '--stop', '--reset', 'pg')).toMatchObject({
    code: 1,
    stderr: 'ERROR: --stop and --reset options are not compatible\n',
  });
  await vault.succeed('receive-wal', '--stop', 'pg');
});

test('what lies behind the WAL of the server is named, and left where it is', async () => {
  await using vault = await stoppedVault(pg);
  const [some] = vault.names('streaming').filter((name) => name.length === 24);
  const stray = '0000000100000000000003FF';
  await copyFile(vault.path('streaming', some!), vault.path('streaming', stray));
  const before = vault.names('streaming');
  const current = await pg.value('select pg_walfile_name(pg_current_wal_lsn() + 1)');
  const { code, stdout, stderr } = await vault.run('receive-wal', '--reset', 'pg');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    `ERROR: The receive-wal position is ahead of PostgreSQL current WAL lsn (${stray} > ${current})\n` +
      `HINT: In "${vault.path('streaming')}", ${stray} lie behind what the server has written. Nothing was changed.`,
  );
  expect(vault.names('streaming')).toEqual(before);
  await rm(vault.path('streaming', stray));
});

test('JSON output has the lines of a reset as Barman gives them', async () => {
  await using vault = await stoppedVault(pg);
  expect(JSON.parse((await vault.run('-f', 'json', 'receive-wal', '--reset', 'pg')).stdout)).toEqual({ _INFO: [aligned.trim()] });
});
