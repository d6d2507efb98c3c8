/**
 * What PostgreSQL's own tests ask of a receiver (src/bin/pg_basebackup/t/020_pg_receivewal.pl, src/test/recovery/t/001 and others)
 * and no other file here asks already. The numbers are those of the assertions there.
 */
import { fillSegments, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

test.for([18, 14] as const)(
  '30, 31: with an empty directory PostgreSQL %i streams from where the slot keeps WAL',
  async (major) => {
    await using pg = await startCluster({ major, segmentSizeMb: 1 });
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await vault.succeed('receive-wal', '--create-slot', 'pg');
    const first = await pg.value('select pg_walfile_name(restart_lsn + 1) from pg_replication_slots');
    const full = await fillSegments(pg, 2);
    await vault.startReceiver();
    await expect.poll(() => vault.names('streaming')).toEqual(expect.arrayContaining(full));
    expect((await expectSameWal(pg, vault))[0]).toBe(first);
  },
);

test('001: a role with no more than REPLICATION, and one with no more than LOGIN, are enough for everything', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await pg.query('create role streaming_barman login replication; create role barman login');
  const streaming = pg.conninfo({ user: 'streaming_barman', dbname: undefined });
  await using vault = await Vault.create({
    pg: { ...sectionFor(pg), conninfo: pg.conninfo({ user: 'barman' }), streaming_conninfo: streaming },
  });
  await vault.startReceiving();
  const last = await pg.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(last);
  expect(await vault.succeed('status', 'pg')).toMatch(/\tPostgreSQL version: 18\.[^]*\tReceiver: streaming /);
  await vault.stopReceiver(pg);
  await vault.succeed('receive-wal', '--drop-slot', 'pg');
});

test('001: what the slot has let go stays gone over a restart of the server, and its segments are recycled', async () => {
  const settings = { wal_keep_size: 0, min_wal_size: '2MB', max_wal_size: '4MB' };
  await using pg = await startCluster({ segmentSizeMb: 1, settings });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await vault.startReceiving();
  const full = await fillSegments(pg, 4);
  await caughtUp(pg);
  await vault.stopReceiver(pg);
  const restartLsn = await pg.value('select restart_lsn from pg_replication_slots');
  await pg.restart();
  expect(await pg.value('select restart_lsn from pg_replication_slots')).toBe(restartLsn);
  expect(await pg.value('select xmin is null and catalog_xmin is null from pg_replication_slots')).toBe('true');
  await pg.query('checkpoint');
  const kept = await pg.walFiles();
  expect(full.slice(0, 2).filter((name) => kept.includes(name))).toEqual([]);

  await vault.startReceiver();
  const last = await pg.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(last);
  expect(vault.names('streaming')).toEqual(expect.arrayContaining(full));
});
