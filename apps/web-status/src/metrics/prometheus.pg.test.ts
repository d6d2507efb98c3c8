import { open, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Cluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Receiving } from '../receiving.test-support.ts';
import { Prometheus } from './prometheus.test-support.ts';
import { dashboard } from './shipped-rules.test-support.ts';

const patience = { interval: 200 };

/** Queries of the dashboard as Grafana asks them. */
const queries = [
  ...dashboard().panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard().annotations.list.map(({ expr }) => expr),
].map((expr) => expr.replaceAll('$server', '.*').replaceAll('$__rate_interval', '5s'));

/** These have nothing to show while all is well, or when nothing was written, or verified, just now. */
const quiet =
  /walvault_(errors_total|check_status\{server=~"\.\*"\} > 0|last_verified|replication_lag|archive_queue_oldest)|ALERTS/;

/** A server with an archive of some segments, and the HTTP server listening. */
async function world(): Promise<{ all: Receiving; target: string }> {
  const all = await Receiving.start(undefined, { rpo_limit: '1' });
  await all.pg.query(`alter system set max_slot_wal_keep_size = '1GB'`);
  await all.pg.reload();
  for (let count = 0; count < 4; count += 1) {
    await all.pg.query('create table if not exists rows (at timestamptz); insert into rows values (now())');
    await all.pg.switchWal();
  }
  await all.pg.waitFor(`select flush_lsn >= pg_current_wal_flush_lsn() from pg_stat_replication`);
  await all.walvault('archive-wal', 'pg');
  await all.app.listen({ host: '127.0.0.1', port: 0 });
  return { all, target: `127.0.0.1:${(all.app.server.address() as AddressInfo).port}` };
}

/** The n-th segment of the archive. */
function archived(all: Receiving, number: number): string {
  return all.fixture.path(
    'pg',
    'wals',
    '0000000100000000',
    `0000000100000000${number.toString(16).toUpperCase().padStart(8, '0')}`,
  );
}

async function damage(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(Buffer.alloc(64, 0x55), 0, 64, 9000);
}

/** Makes the server remove what the slot keeps. */
async function loseSlot(pg: Cluster): Promise<void> {
  for (const setting of [`max_slot_wal_keep_size = '16MB'`, 'wal_keep_size = 0', `min_wal_size = '32MB'`])
    await pg.query(`alter system set ${setting}`);
  await pg.reload();
  for (let count = 0; count < 4; count += 1) await pg.switchWal();
  await pg.query('checkpoint');
}

test('a real Prometheus reads it: all is shown while all is well, and faults set off their alerts', async () => {
  const { all, target } = await world();
  await using _ = all;
  await using prometheus = await Prometheus.start(target);
  const isTrue = async (expression: string): Promise<void> =>
    expect.poll(async () => (await prometheus.query(expression)).length, { ...patience, message: expression }).toBeGreaterThan(0);
  const comes = async (alert: string): Promise<void> => expect.poll(async () => prometheus.alerts(), patience).toContain(alert);

  await isTrue('walvault_verdict{verdict="safe"} == 1');
  await isTrue('walvault_rpo_seconds{place="durable"} == 0 and walvault_rpo_bytes == 0 and walvault_rpo_known == 1');
  await isTrue('walvault_flushed_lsn_bytes == walvault_server_lsn_bytes');
  await isTrue('histogram_quantile(0.99, walvault_flush_duration_seconds_bucket) > 0');
  await isTrue('walvault_archive_segments > 3 and on (server) walvault_holes == 0 and on (server) walvault_bad_segments == 0');
  for (const query of queries.filter((one) => !quiet.test(one))) await isTrue(query);
  for (const query of queries) await prometheus.query(query);
  await expect.poll(async () => prometheus.alerts(), patience).toEqual([]);

  await rm(archived(all, 2));
  await damage(archived(all, 3));
  await all.walvault('verify-wal', 'pg').catch(() => undefined);
  await comes('WalvaultHole');
  await comes('WalvaultBadSegments');

  await all.pg.restart();
  await isTrue('walvault_reconnects_total >= 1 and on (server) walvault_errors_total >= 1');
  await isTrue('walvault_receiver_phase{phase="streaming"} == 1');

  await all.endReceiver('SIGTERM');
  await comes('WalvaultReceiverDown');
  await comes('WalvaultSlotInactive');
  await all.pg.query('insert into rows values (now())');
  await comes('WalvaultRpoExceeded');
  await isTrue('walvault_lag_bytes{stage="flushed"} > 0');
  await loseSlot(all.pg);
  await comes('WalvaultSlotLost');
  await all.pg.query(`select pg_drop_replication_slot('barman')`);
  await comes('WalvaultSlotMissing');

  await all.pg.stop('immediate');
  await isTrue('walvault_rpo_seconds{place="durable"} > 1 unless on (server) walvault_rpo_bytes{place="durable"}');
  await comes('WalvaultCheckFailed');
  await all.app.close();
  await comes('WalvaultNotScraped');
});
