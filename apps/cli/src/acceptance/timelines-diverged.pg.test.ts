/**
 * Servers whose history left ours before the last byte that we hold, and what goes with a failover. What was received of the old
 * timeline is kept, whatever the new one says; the new one is received from the segment of its switchpoint on.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, createStandby, fillSegments, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWalAcross, recover, segmentNumber } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/** The complete segments here, by name, as they are now. */
async function contents(vault: Vault): Promise<ReadonlyMap<string, Buffer>> {
  const entries = [...vault.segments()].map(async ([name, path]) => [name, await readFile(path)] as const);
  return new Map(await Promise.all(entries));
}

/** Nothing that was complete before is gone, or another now. */
async function expectStillThere(vault: Vault, before: ReadonlyMap<string, Buffer>): Promise<void> {
  const now = await contents(vault);
  for (const [name, bytes] of before) expect(now.get(name)?.equals(bytes), `${name} is what it was`).toBe(true);
}

/** A host list of libpq that leads to whichever of two servers is a primary. */
function primaryOf(a: Cluster, b: Cluster): string {
  return `host=${a.host},${b.host} port=${a.port},${b.port} user=postgres dbname=postgres target_session_attrs=primary`;
}

/** The warnings in the log of a receiver. */
async function warnings(vault: Vault): Promise<readonly string[]> {
  return (await vault.log()).split('\n').filter((line) => line.startsWith('{"level":40,'));
}

test('a failover within a host list goes on with the new primary, from one timeline to the next', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using standby = await createStandby(pg);
  await standby.query(`select pg_create_physical_replication_slot('barman', true)`);
  await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: primaryOf(standby, pg) }) });
  const pid = await vault.startReceiving();
  expect(await pg.value('select count(*) from pg_stat_replication where application_name = $1', ['barman_receive_wal'])).toBe(
    '1',
  );
  const full = await fillSegments(pg, 1);
  await caughtUp(pg);
  await standby.waitFor(`select pg_last_wal_receive_lsn() >= '${await pg.currentLsn()}'`);
  await pg.stop('fast');
  await standby.promote();

  const first = await standby.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(first);
  await vault.reaches({ phase: 'streaming', pid, timelineId: 2 });
  expect(vault.names('streaming')).toContain('00000002.history');
  expect(await expectSameWalAcross([pg, standby], vault)).toEqual(expect.arrayContaining([...full, first]));
});

test('a new primary that has less than we: both ends are kept, and the log says what diverged', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using standby = await createStandby(pg);
  await standby.query(`select pg_create_physical_replication_slot('barman', true)`);
  await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: primaryOf(pg, standby) }) });
  const pid = await vault.startReceiving();
  await pg.switchWal();
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await pg.currentLsn()}'`);
  await standby.query(`alter system set primary_conninfo = ''`);
  await standby.reload();
  await pg.waitFor(`select count(*) = 0 from pg_stat_replication where application_name = 'standby'`);
  const onlyHere = [...(await fillSegments(pg, 2)), await pg.switchWal()];
  await expect.poll(() => vault.names('streaming')).toEqual(expect.arrayContaining(onlyHere));
  const before = await contents(vault);
  await pg.kill();
  const held = (await vault.reaches({ phase: 'waiting' })).flushedLsn!;
  await standby.promote();

  const first = await standby.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(first);
  await caughtUp(standby);
  await expectStillThere(vault, before);
  await vault.reaches({ phase: 'streaming', pid, timelineId: 2 });
  expect(segmentNumber(first)).toBeLessThanOrEqual(segmentNumber(onlyHere[0]!));
  const switchpoint = await standby.value(`select split_part(pg_read_file('pg_wal/00000002.history'), E'\\t', 2)`);
  const said = (await warnings(vault)).filter((line) => line.includes(switchpoint!) && line.includes(held));
  expect(said.length, 'one warning names the switchpoint and what we hold').toBeGreaterThanOrEqual(1);

  // It goes on as if nothing had been, also after a restart with the longer old timeline in the directory.
  await vault.stopReceiver(standby);
  await vault.startReceiver();
  const later = [...(await fillSegments(standby, 3)), await standby.switchWal()];
  await expect.poll(() => vault.names('streaming')).toEqual(expect.arrayContaining(later));
  await expectStillThere(vault, before);
});

test('a server that was restored to an earlier point is received from there on, beside what it has left behind', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await vault.startReceiving();
  const backup = join(vault.home, 'backup');
  await pg.baseBackup(backup);
  await pg.query('create table t as select 1 as a');
  await pg.query(`select pg_create_restore_point('before the mistake')`);
  await fillSegments(pg, 2);
  const last = await pg.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(last);
  await vault.stopReceiver(pg);
  await pg.stop('immediate');
  const before = await contents(vault);

  const settings = {
    restore_command: vault.restoreCommand('--partial'),
    recovery_target_name: 'before the mistake',
    recovery_target_action: 'promote',
  };
  const recovery = await recover(backup, { segmentSizeMb: 1, settings });
  if ('log' in recovery) throw new Error(recovery.log);
  await using restored = recovery.server;
  expect(await restored.value('select a from t')).toBe('1');

  await vault.configure({ pg: sectionFor(restored) });
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  await vault.succeed('receive-wal', 'pg');
  const first = await restored.switchWal();
  expect(segmentNumber(first)).toBeLessThan(segmentNumber(last));
  await expect.poll(() => vault.names('streaming')).toContain(first);
  await expectStillThere(vault, before);
  await vault.reaches({ phase: 'streaming', timelineId: 2 });
  expect((await warnings(vault)).length).toBeGreaterThan(0);
});

test('first contact on timeline 3 brings the history files of all its ancestors', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using second = await createStandby(pg);
  await second.promote();
  await using third = await createStandby(second);
  await third.promote();
  await using vault = await Vault.create({ pg: sectionFor(third) });
  await vault.startReceiving();
  const last = await third.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(last);
  for (const name of ['00000002.history', '00000003.history']) {
    expect(await readFile(vault.path('streaming', name))).toEqual(await readFile(join(third.walDirectory, name)));
  }
});

// Before PostgreSQL 15 the server does not tell the timeline of a slot's position: its history does.
// Assertions 32 to 35 of PostgreSQL's 020_pg_receivewal.pl.
test.for([18, 14] as const)(
  'the slot of a promoted standby of PostgreSQL %i leads to the end of the old timeline first',
  async (major) => {
    await using pg = await startCluster({ major, segmentSizeMb: 1 });
    await using standby = await createStandby(pg);
    await using vault = await Vault.create({ pg: sectionFor(standby) });
    await vault.succeed('receive-wal', '--create-slot', 'pg');
    const full = await fillSegments(pg, 2);
    await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await pg.currentLsn()}'`);
    await standby.promote();
    const first = await standby.switchWal();

    await vault.succeed('receive-wal', 'pg');
    await expect.poll(() => vault.names('streaming')).toEqual(expect.arrayContaining([...full, first, '00000002.history']));
    const history = await readFile(join(standby.walDirectory, '00000002.history'));
    expect(await readFile(vault.path('streaming', '00000002.history'))).toEqual(history);
    await expectSameWalAcross([pg, standby], vault);
  },
);
