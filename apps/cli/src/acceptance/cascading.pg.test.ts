/** Receiving from a standby, which has WAL only as far as its own primary gave it some. */
import { type Cluster, createStandby, type FaultProxy, faultProxy, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let proxy: FaultProxy;
let standby: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  await pg.query('create role cascade login replication');
  proxy = stack.use(await faultProxy({ target: pg }));
  const primary = pg.conninfo({ port: proxy.port, user: 'cascade', dbname: undefined, sslmode: 'disable' });
  standby = stack.use(await createStandby(pg, { settings: { primary_conninfo: primary } }));
  vault = stack.use(await Vault.create({ pg: sectionFor(standby) }));
  await vault.startReceiving();
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Milliseconds that a fast shutdown of the standby takes: a minute, wal_sender_timeout, where somebody holds it up. */
async function shutDown(): Promise<number> {
  const before = performance.now();
  await standby.stop('fast');
  return performance.now() - before;
}

/** All that the standby has is here, whether it is called durable yet or not. */
async function expectAllIsHere(): Promise<void> {
  await standby.waitFor(
    `select write_lsn = greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) from pg_stat_replication`,
  );
}

test('a fast shutdown of the standby that we stream from is not held up', async () => {
  const full = await fillSegments(pg, 2);
  await expect.poll(() => vault.names('streaming')).toContain(full.at(-1));
  await expectAllIsHere();
  expect(await shutDown()).toBeLessThan(30_000);
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'waiting' });
  await standby.start();
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming' });
});

test('nor is one whose WAL ends inside a record, which nobody can check yet', async () => {
  await pg.query('alter role cascade nologin');
  proxy.cutAfter(1_500_000);
  await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 4000000))`);
  await standby.waitFor('select count(*) = 0 from pg_stat_wal_receiver');
  await standby.waitFor('select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()');
  await expectAllIsHere();
  expect(await shutDown()).toBeLessThan(30_000);

  await pg.query('alter role cascade login');
  await standby.start();
  const last = await pg.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(last);
  await expectSameWal(pg, vault);
});
