import { rename } from 'node:fs/promises';
import { type Cluster, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caughtUp, commandLine, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;

beforeAll(async () => {
  const hba = ['host replication streaming 127.0.0.1/32 scram-sha-256'];
  pg = stack.use(await startCluster({ segmentSizeMb: 1, hba }));
  await pg.query(`create role streaming login replication password 'right'`);
});

afterAll(() => stack[Symbol.asyncDispose]());

function section(password: string): Record<string, string> {
  return sectionFor(pg, { streaming_conninfo: pg.conninfo({ user: 'streaming', password }) });
}

test('a password that is changed at night and changed back costs no receiver and no WAL', async () => {
  await using vault = await Vault.create({ pg: section('right') });
  const pid = await vault.startReceiving();
  await pg.query(`alter role streaming password 'other'`);
  await pg.query('select pg_terminate_backend(pid) from pg_stat_replication');
  const { nextAttemptAt, troubleSince, failedAttempts, lastError } = await vault.reaches({
    phase: 'waiting',
    lastError: { code: 'ERR_AUTHENTICATION' },
  });
  expect(Date.parse(nextAttemptAt!) - Date.parse(lastError!.at)).toBeGreaterThan(1000);
  expect({ failedAttempts: failedAttempts > 0, since: Date.parse(troubleSince!) <= Date.now() }).toEqual({
    failedAttempts: true,
    since: true,
  });
  expect(lastError!.hint).toMatch(/Check the password/);
  await pg.query(`alter role streaming password 'right'`);
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming', pid, troubleSince: null, failedAttempts: 0 });
  await caughtUp(pg);
  expect((await vault.state()).holes).toEqual([]);
  await vault.succeed('receive-wal', '--stop', 'pg');
});

test('a first start by hand fails at once with the reason, one in the background waits and begins when it may', async () => {
  await using vault = await Vault.create({ pg: section('wrong') });
  const first = await vault.run('receive-wal', 'pg');
  expect(first.code).toBe(1);
  expect(first.stderr).toMatch(/^ERROR: ArchiverFailure:.*password authentication failed.*\nHINT: Check the password/);

  await vault.succeed('cron');
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'waiting', lastError: { code: 'ERR_AUTHENTICATION' } });
  const { pid } = await vault.state();
  await pg.query(`alter role streaming password 'wrong'`);
  await pg.query(`select pg_create_physical_replication_slot('barman') where not exists (select from pg_replication_slots)`);
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming', pid });
  await vault.succeed('receive-wal', '--stop', 'pg');
  await pg.query(`alter role streaming password 'right'`);
});

test('--wait says what it waits for, and returns when the stream runs', async () => {
  await using vault = await Vault.create({ pg: section('right') });
  await pg.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots');
  await using starting = await vault.start('receive-wal', '--wait', 'pg');
  await expect
    .poll(() => starting.stderr)
    .toMatch(/^WARNING: pg: waiting, and trying again: replication slot 'barman' doesn't exist\. Please execute .+\nHINT: .+\n$/);
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  expect(await starting.exited).toMatchObject({ code: 0, stdout: expect.stringMatching(/\npg: streaming \(pid \d+, /) });
  await vault.succeed('receive-wal', '--stop', 'pg');
  await pg.waitFor('select not active from pg_replication_slots');
});

test('what is wrong on this side ends the receiver, and says so', async () => {
  await using vault = await Vault.create({ pg: section('right') });
  const pid = await vault.startReceiving();
  await rename(vault.path('streaming'), vault.path('elsewhere'));
  await pg.switchWal();
  await pg.switchWal();
  await expect.poll(() => commandLine(pid)).toEqual([]);
  const { phase, lastError } = await vault.state();
  expect({ phase, code: lastError?.code }).toEqual({ phase: 'failed', code: 'ERR_PATH_MISSING' });
  await pg.waitFor('select not active from pg_replication_slots');
});
