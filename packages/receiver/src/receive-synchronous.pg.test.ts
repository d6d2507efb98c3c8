/** As the synchronous standby: commits wait for us, and only for as long as our disk takes. */
import { type Cluster, startCluster } from '@walvault/testkit';
import { parseLsn } from '@walvault/wal';
import { afterAll, beforeAll, expect } from 'vitest';
import { receive } from './receive.test-support.ts';
import { test } from './test-directory.test-support.ts';

/** Long enough that a commit which had to wait for the periodic report would be seen at once, also on a loaded machine. */
const statusIntervalMs = 60_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ segmentSizeMb: 1 });
  await cluster.query('create table t (i int, payload text)');
});
afterAll(() => cluster[Symbol.asyncDispose]());

async function requireStandby(name: string): Promise<void> {
  await cluster.query(`alter system set synchronous_standby_names = '${name}'`);
  await cluster.reload();
  await cluster.waitFor(`select setting = '${name}' from pg_settings where name = 'synchronous_standby_names'`);
}

test('a commit waits until its WAL is durable here, and goes through when we come', async ({ directory }) => {
  await requireStandby('vault');
  try {
    let isCommitted = false;
    const commit = cluster.query(`insert into t values (1, 'x')`).then(() => (isCommitted = true));
    await cluster.waitFor(`select count(*) = 1 from pg_stat_activity where wait_event = 'SyncRep'`);
    expect(isCommitted).toBe(false);
    const lsn = parseLsn(await cluster.currentLsn());
    await using reception = await receive({ cluster, directory, applicationName: 'vault', statusIntervalMs });
    await commit;
    expect(reception.positions.flushedLsn).toBeGreaterThanOrEqual(lsn);
    expect(await cluster.value(`select sync_state from pg_stat_replication where application_name = 'vault'`)).toBe('sync');
  } finally {
    await requireStandby('');
  }
});

test('commits go through at segment boundaries too, and all that was committed is durable here', async ({ directory }) => {
  await using reception = await receive({ cluster, directory, applicationName: 'vault', statusIntervalMs });
  await reception.caughtUp(cluster);
  await requireStandby('vault');
  const client = await cluster.client();
  try {
    let slowestMs = 0;
    const completedBefore = reception.completed.length;
    for (let commit = 0; commit < 400; commit += 1) {
      const startedAt = performance.now();
      // now and then the WAL ends exactly at the end of a segment
      if (commit % 40 === 0) await client.query('select pg_switch_wal()');
      await client.query(`insert into t values ($1, repeat('x', 9000))`, [commit]);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn');
      if (commit % 20 === 0) expect(reception.positions.writtenLsn).toBeGreaterThanOrEqual(parseLsn(rows[0]!.lsn) - 8192n);
    }
    expect(reception.completed.length - completedBefore).toBeGreaterThanOrEqual(10);
    expect(slowestMs).toBeLessThan(statusIntervalMs / 3);
  } finally {
    await client.end();
    await requireStandby('');
  }
});

test('the end of a segment is reported as soon as it is durable, not with the next status', async ({ directory }) => {
  await using reception = await receive({ cluster, directory, applicationName: 'vault', statusIntervalMs });
  for (let round = 0; round < 5; round += 1) {
    await cluster.switchWal();
    await cluster.waitFor(
      `select flush_lsn >= pg_current_wal_flush_lsn() from pg_stat_replication where application_name = 'vault'`,
      statusIntervalMs / 3,
    );
  }
  expect(reception.completed.length).toBeGreaterThanOrEqual(4);
});

test('while it receives again what was acknowledged, it is no candidate for synchronous commit', async ({ directory }) => {
  await cluster.query(`select pg_create_physical_replication_slot('again', true)`);
  await using first = await receive({ cluster, directory, slotName: 'again', applicationName: 'vault' });
  await first.caughtUp(cluster);
  await first.stop();
  await using second = await receive({ cluster, directory, slotName: 'again', applicationName: 'vault', statusIntervalMs });
  expect(second.positions.flushedLsn).toBeLessThanOrEqual(second.start.acknowledgedLsn);
  await second.caughtUp(cluster);
  await cluster.waitFor(
    `select flush_lsn >= pg_current_wal_flush_lsn() from pg_stat_replication where application_name = 'vault'`,
  );
});
