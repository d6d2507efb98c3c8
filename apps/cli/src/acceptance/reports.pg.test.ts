/** What the server is told, and when: traps T4 and T5 of pg_receivewal, and its silence while it catches up. */
import { type Cluster, fillSegments, type RecordingProxy, recordingProxy, startCluster, startWorkload } from '@walvault/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { commitAtSegmentEnd } from './commit-at-segment-end.test-support.ts';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, killHard, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
let proxy: RecordingProxy;

beforeAll(async () => {
  // Nobody asks for a report, and none is due by the clock.
  pg = stack.use(await startCluster({ segmentSizeMb: 1, settings: { wal_sender_timeout: '1d' } }));
  proxy = stack.use(await recordingProxy({ target: pg }));
  const streaming = pg.conninfo({ port: proxy.port, dbname: undefined, sslmode: 'disable' });
  vault = stack.use(await Vault.create({ pg: sectionFor(pg, { streaming_conninfo: streaming, status_interval: '3600' }) }));
});

afterAll(() => stack[Symbol.asyncDispose]());

afterEach(() => vault.stopReceiver(pg));

/** The flush positions of some reports, without the unknown ones. */
function flushPositions(reports: readonly { readonly flushLsn: bigint }[]): readonly bigint[] {
  return reports.map(({ flushLsn }) => flushLsn).filter((lsn) => lsn > 0n);
}

test('T4: a commit that ends exactly with a segment is acknowledged at once, not with the next status', async () => {
  await vault.startReceiving();
  await pg.query(`alter system set synchronous_standby_names = 'barman_receive_wal'`);
  await pg.reload();
  await pg.waitFor(`select count(*) = 1 from pg_stat_replication where sync_state = 'sync'`);
  for (let round = 0; round < 3; round += 1) {
    // Would fail after half a minute, long before the next status is due.
    const { lsn } = await commitAtSegmentEnd(pg);
    expect(flushPositions(proxy.reports)).toContain(BigInt(lsn));
  }
  await pg.query('alter system reset synchronous_standby_names');
  await pg.reload();
  await pg.waitFor(`select current_setting('synchronous_standby_names') = ''`);
});

test('T5: over lost connections and killed receivers neither the flush position nor restart_lsn goes back', async () => {
  const first = proxy.reports.length;
  const seen: bigint[] = [];
  const over = new AbortController();
  const watch = async (): Promise<void> => {
    const client = await pg.client();
    while (!over.signal.aborted) {
      const { rows } = await client.query(`select (restart_lsn - '0/0')::text as lsn from pg_replication_slots`);
      seen.push(BigInt((rows[0] as { lsn: string }).lsn));
    }
    await client.end();
  };
  let pid = await vault.startReceiving();
  const watching = watch();
  {
    await using workload = await startWorkload(pg, { rowBytes: 4000, pauseMs: 5 });
    const goOn = async (): Promise<void> => workload.reached(workload.acknowledged.count + 100);
    for (let round = 0; round < 3; round += 1) {
      await goOn();
      proxy.cut();
      const connections = proxy.reports.at(-1)!.connection;
      await expect.poll(() => proxy.reports.at(-1)!.connection).toBeGreaterThan(connections);
      await goOn();
      await killHard(pid);
      await pg.waitFor('select not active from pg_replication_slots');
      pid = await vault.startReceiver();
    }
    await goOn();
  }
  await caughtUp(pg);
  over.abort();
  await watching;
  const reports = proxy.reports.slice(first);
  expect(new Set(reports.map(({ connection }) => connection)).size).toBeGreaterThanOrEqual(7);
  const flushes = flushPositions(reports);
  expect(flushes.length).toBeGreaterThan(20);
  expect(flushes).toEqual(flushes.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  expect(new Set(seen).size).toBeGreaterThan(10);
  expect(seen).toEqual(seen.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  await expectSameWal(pg, vault);
});

test('nothing is claimed to be applied, and nothing flushed that was not written', async () => {
  await vault.startReceiving();
  await pg.switchWal();
  await caughtUp(pg);
  expect(proxy.reports.filter(({ applyLsn }) => applyLsn !== 0n)).toEqual([]);
  expect(proxy.reports.filter(({ flushLsn, writeLsn }) => flushLsn > writeLsn)).toEqual([]);
  expect(await pg.value('select xmin is null and catalog_xmin is null from pg_replication_slots')).toBe('true');
});

// A known bug of pg_receivewal: while data arrive faster than they are written it reports nothing, and the server keeps all its WAL.
test('while it catches up with a backlog, the server hears of every segment as it becomes durable', async () => {
  await vault.startReceiving();
  await vault.stopReceiver(pg);
  const backlog = await fillSegments(pg, 48);
  const first = proxy.reports.length;
  await vault.startReceiver();
  await caughtUp(pg);
  const reports = proxy.reports.slice(first);
  const total = reports.at(-1)!.bytesFromServer;
  expect(total).toBeGreaterThan(backlog.length * 1024 * 1024);
  const underWay = reports.filter(({ bytesFromServer }) => bytesFromServer < 0.9 * total);
  expect(new Set(flushPositions(underWay)).size).toBeGreaterThanOrEqual(backlog.length / 2);
});
