import { expect, test } from 'vitest';
import { bulkLoad, startCluster, startWorkload, verifyWorkload } from './index.ts';

test('a workload survives the death of its server and every acknowledged row is there afterwards', async () => {
  await using pg = await startCluster();
  await using workload = await startWorkload(pg, { clients: 3 });
  await workload.reached(30);
  await pg.kill();
  const before = workload.acknowledged.count;
  await pg.start();
  await workload.reached(before + 30);
  const acknowledged = await workload.stop();
  expect(workload.lastError).toBeDefined();
  const verdict = await verifyWorkload(pg, acknowledged);
  expect(verdict.lost).toEqual([]);
  expect(verdict.acknowledged).toBe(acknowledged.count);
  expect(verdict.restored).toBeGreaterThanOrEqual(acknowledged.count);
});

test('verifying finds the acknowledged rows that are missing, and only those', async () => {
  await using pg = await startCluster();
  await using workload = await startWorkload(pg, { clients: 2, table: 'orders' });
  await workload.reached(40);
  const acknowledged = JSON.parse(JSON.stringify(await workload.stop())) as typeof workload.acknowledged;
  const { client, last } = acknowledged.clients[1]!;
  await pg.query('delete from orders where client = $1 and id in (1, $2)', [client, last]);
  const verdict = await verifyWorkload(pg, acknowledged);
  expect(verdict.lost).toEqual([
    { client, id: 1 },
    { client, id: last },
  ]);
  await pg.query('drop table orders');
  const allLost = await verifyWorkload(pg, acknowledged);
  expect(allLost.lost.length).toBe(acknowledged.count);
  expect(allLost.restored).toBe(0);
});

test('a commit that is never answered is unsure: neither acknowledged nor lost', async () => {
  await using pg = await startCluster({ settings: { synchronous_standby_names: 'nobody' } });
  await pg.query(
    'set synchronous_commit = local; create table workload (client int, id bigint, payload bytea, primary key (client, id))',
  );
  const progress: number[] = [];
  await using workload = await startWorkload(pg, {
    clients: 1,
    reconnect: false,
    onProgress: (count) => progress.push(count),
    progressIntervalMs: 10,
  });
  await pg.waitFor(`select exists (select from pg_stat_activity where wait_event = 'SyncRep')`);
  await expect.poll(() => progress).toContain(0);
  const acknowledged = await workload.stop();
  expect(acknowledged).toEqual({ table: 'workload', count: 0, clients: [{ client: 1, last: 0, unsure: [1] }] });
  expect(await verifyWorkload(pg, acknowledged)).toMatchObject({ lost: [] });
});

test('a bulk load writes the volume of WAL that was asked for', async () => {
  await using pg = await startCluster();
  const start = await pg.currentLsn();
  await bulkLoad(pg, 20);
  const written = Number(await pg.value('select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), $1)', [start])) / 1024 / 1024;
  expect(written).toBeGreaterThanOrEqual(20);
  expect(written).toBeLessThan(21);
});
