import { writeFile } from 'node:fs/promises';
import { type Cluster, fillSegments, startCluster } from '@walvault/testkit';
import { parseLsn } from '@walvault/wal';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStateReference } from './state-reference.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
  await vault.startReceiving();
});

afterAll(() => stack[Symbol.asyncDispose]());

test('the published state has the members that its page describes, and no others', async () => {
  await fillSegments(pg, 1);
  await caughtUp(pg);
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming' });
  const state = await vault.state();
  const reference = await readStateReference();
  expect(Object.keys(state).toSorted()).toEqual(reference.get('## receive-wal.json')?.toSorted());
  expect(Object.keys(state.flushLatency).toSorted()).toEqual(reference.get('### flushLatency')?.toSorted());
  expect(Object.keys(state.flushLatency.buckets[0]!).toSorted()).toEqual(
    reference.get('### A bucket of flushLatency')?.toSorted(),
  );
});

test('positions agree with each other and with what the server says', async () => {
  await fillSegments(pg, 1);
  await caughtUp(pg);
  await expect
    .poll(async () => {
      const { writtenLsn, acknowledgedLsn } = await vault.state();
      const [row] = await pg.query('select write_lsn, flush_lsn from pg_stat_replication');
      return [row!['write_lsn'] === writtenLsn, row!['flush_lsn'] === acknowledgedLsn];
    })
    .toEqual([true, true]);
  const { writtenLsn, verifiedLsn, flushedLsn, acknowledgedLsn, serverLsn } = await vault.state();
  const [written, verified, flushed, acknowledged, server] = [
    writtenLsn,
    verifiedLsn,
    flushedLsn,
    acknowledgedLsn,
    serverLsn,
  ].map((text) => parseLsn(text!));
  expect([written! <= server!, verified! <= written!, flushed! <= written!, acknowledged! <= flushed!]).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

test('flushes are counted by their duration', async () => {
  await expect.poll(async () => (await vault.state()).flushLatency.count).toBeGreaterThan(0);
  const { count, sumMs, p50Ms, maxMs, buckets } = (await vault.state()).flushLatency;
  expect(buckets.at(-1)!.count).toBeLessThanOrEqual(count);
  expect(buckets.map((bucket) => bucket.count)).toEqual(buckets.map((bucket) => bucket.count).toSorted((a, b) => a - b));
  expect([sumMs >= maxMs - 0.01, maxMs >= p50Ms, p50Ms > 0]).toEqual([true, true, true]);
});

test('says whether the server waits for us', async () => {
  await pg.query(`alter system set synchronous_standby_names = 'barman_receive_wal'`);
  await pg.reload();
  // Looked up a second after the start of a stream.
  await pg.query('select pg_terminate_backend(pid) from pg_stat_replication');
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming', syncState: 'sync' });
  expect(await vault.succeed('status', 'pg')).toContain('\tSynchronous state: sync\n');
  await pg.query('alter system reset synchronous_standby_names');
  await pg.reload();
});

test('an empty state, as a loss of power can leave one, is told, and written anew by the next receiver', async () => {
  await vault.succeed('receive-wal', '--stop', 'pg');
  for (const text of ['', '{"version":1,']) {
    await writeFile(vault.path('receive-wal.json'), text);
    const status = await vault.succeed('status', 'pg');
    expect(status).toContain('\tReceiver: not running (its state cannot be read)\n');
    expect(status).toContain(`\tLast error: ERR_RECEIVER_STATE: "${vault.path('receive-wal.json')}" does not hold the state`);
    expect(status).toContain('\tWhat to do: Start the receiver');
  }
  await pg.waitFor('select not active from pg_replication_slots');
  await vault.startReceiver();
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming' });
});
