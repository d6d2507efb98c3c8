/** A network and a server that misbehave: cut, silent, idle. */
import { bulkLoad, type Cluster, faultProxy, startCluster, startWorkload } from '@walvault/testkit';
import { afterAll, beforeAll, expect } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectSameAsServer, receive } from './receive.test-support.ts';
import { test } from './test-directory.test-support.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ segmentSizeMb: 1, settings: { wal_sender_timeout: '3s' } });
});
afterAll(() => cluster[Symbol.asyncDispose]());

test('a cut connection is a ConnectionLostError, and a new one goes on without a hole', async ({ directory }) => {
  await using proxy = await faultProxy({ target: cluster });
  await using workload = await startWorkload(cluster, { clients: 2, rowBytes: 3000, table: 'cut' });
  let flushed: { timelineId: never; lsn: never } | undefined;
  for (let round = 0; round < 5; round += 1) {
    await using reception = await receive({ cluster, directory, port: proxy.port, flushed });
    const goal = reception.start.lsn + 400_000n;
    await reception.until(() => reception.positions.writtenLsn > goal);
    // in the middle of a message, wherever that is
    if (round % 2 === 0) proxy.cut();
    else proxy.cutAfter(12_345);
    await expect(reception.ended).rejects.toThrow(expect.objectContaining({ name: 'ConnectionLostError', retry: 'retry' }));
    expect(reception.positions.flushedLsn).toBe(reception.positions.writtenLsn);
    flushed = { timelineId: reception.positions.timelineId, lsn: reception.positions.flushedLsn } as never;
  }
  await workload.stop();
  await using reception = await receive({ cluster, directory, flushed });
  await reception.caughtUp(cluster);
  await expectSameAsServer(cluster, directory, reception.positions);
});

test('a connection that carries nothing any more is given up', async ({ directory }) => {
  await using proxy = await faultProxy({ target: cluster });
  await using reception = await receive({ cluster, directory, port: proxy.port });
  await reception.caughtUp(cluster);
  proxy.stall();
  await bulkLoad(cluster, 0.1);
  await expect(reception.ended).rejects.toThrow(
    expect.objectContaining({
      name: 'ReceiverError',
      code: 'ERR_SERVER_SILENT',
      retry: 'retry',
      message: expect.stringMatching(/^no message from the server for \d+ s$/),
    }),
  );
});

test('a stop on a connection that carries nothing any more does not wait for the answer for ever', async ({ directory }) => {
  await using proxy = await faultProxy({ target: cluster });
  await using reception = await receive({ cluster, directory, port: proxy.port });
  await reception.caughtUp(cluster);
  proxy.stall();
  expect(await reception.stop()).toBe('stopped');
});

test('an idle stream stays alive longer than wal_sender_timeout, on one connection', async ({ directory }) => {
  await using reception = await receive({ cluster, directory, applicationName: 'idle' });
  await reception.caughtUp(cluster);
  const pid = await cluster.value(`select pid from pg_stat_replication where application_name = 'idle'`);
  const isOver = await Promise.race([reception.ended.then(() => true), sleep(7000, false)]);
  expect(isOver).toBe(false);
  expect(await cluster.value(`select pid from pg_stat_replication where application_name = 'idle'`)).toBe(pid);
  expect(Date.now() - reception.positions.lastMessageAtMs).toBeLessThan(5000);
});
