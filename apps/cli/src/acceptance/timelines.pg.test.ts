import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, createStandby, fillSegments, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWalAcross, recover } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/** The switchpoint in a history file, by the timeline that ended there. */
async function switchpointOf(server: Cluster, child: number, parent: number): Promise<string> {
  const text = await readFile(join(server.walDirectory, `0000000${child}.history`), 'utf8');
  const line = text.split('\n').find((entry) => entry.startsWith(`${parent}\t`));
  return line!.split('\t')[1]!;
}

/** Whether the history file of a timeline is here as its server has it. */
async function expectHistory(server: Cluster, vault: Vault, timelineId: number): Promise<void> {
  const name = `0000000${timelineId}.history`;
  expect(await readFile(vault.path('streaming', name))).toEqual(await readFile(join(server.walDirectory, name)));
}

test('two promotions above us, one behind the other in the same segment, are followed on one connection', async () => {
  await using first = await startCluster({ segmentSizeMb: 1 });
  await using second = await createStandby(first);
  await using third = await createStandby(second);
  await using vault = await Vault.create({ pg: sectionFor(third) });
  const pid = await vault.startReceiving();

  await second.promote();
  await second.query(`select pg_logical_emit_message(true, 'test', 'on timeline 2')`);
  await expect.poll(() => vault.state()).toMatchObject({ timelineId: 2 });
  await third.promote();
  const last = await third.switchWal();
  expect(last).toMatch(/^00000003/);
  await caughtUp(third);
  await expect.poll(() => vault.names('streaming')).toContain(last);

  await vault.reaches({ phase: 'streaming', pid, timelineId: 3, reconnects: 0, lastError: null });
  await expectHistory(third, vault, 2);
  await expectHistory(third, vault, 3);
  await expectSameWalAcross([first, second, third], vault);
});

test('a promotion that happened while nobody listened: the rest of the old timeline comes first', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using standby = await createStandby(pg);
  await using vault = await Vault.create({ pg: sectionFor(standby) });
  await vault.startReceiving();
  await vault.stopReceiver(standby);
  const missed = await fillSegments(pg, 2);
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await pg.currentLsn()}'`);
  await standby.promote();
  const first = await standby.switchWal();

  await vault.startReceiver();
  await caughtUp(standby);
  await expect.poll(() => vault.names('streaming')).toEqual(expect.arrayContaining([...missed, first, '00000002.history']));
  expect(await expectSameWalAcross([pg, standby], vault)).toEqual(expect.arrayContaining([...missed, first]));
});

// Trap T3 of pg_receivewal, which ends there with an empty error message, again and again.
test.for(['streaming', 'archive'] as const)(
  'a switchpoint exactly where we go on, behind the last segment of the %s: the server streams nothing, and the new timeline begins',
  async (place) => {
    await using pg = await startCluster({ segmentSizeMb: 1 });
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await vault.startReceiving();
    const backup = join(vault.home, 'backup');
    await pg.baseBackup(backup);
    await fillSegments(pg, 1);
    const last = await pg.switchWal();
    await expect.poll(() => vault.names('streaming')).toContain(last);
    await vault.stopReceiver(pg);
    await pg.stop('immediate');
    // What the server wrote behind the switch is not in an archive that ends with one.
    for (const name of vault.names('streaming').filter((entry) => entry.endsWith('.partial')))
      await rm(vault.path('streaming', name));
    if (place === 'archive') await vault.succeed('archive-wal', 'pg');

    const settings = { restore_command: vault.restoreCommand() };
    const recovery = await recover(backup, { segmentSizeMb: 1, settings });
    if ('log' in recovery) throw new Error(recovery.log);
    await using restored = recovery.server;
    expect(await switchpointOf(restored, 2, 1)).toMatch(/^0\/[0-9A-F]+00000$/);
    expect(await restored.value('select $1 < pg_walfile_name(pg_current_wal_lsn())', [last])).toBe('true');

    await vault.configure({ pg: sectionFor(restored) });
    await vault.startReceiving();
    const next = await restored.switchWal();
    await expect.poll(() => vault.names('streaming')).toContain(next);
    await expectHistory(restored, vault, 2);
    await vault.reaches({ phase: 'streaming', timelineId: 2, lastError: null });
    await expectSameWalAcross([pg, restored], vault);
  },
);

// A known bug of pg_receivewal: it streams on when the history file could not be written.
test('a timeline whose history file cannot be kept is not streamed', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using standby = await createStandby(pg);
  await standby.promote();
  await using vault = await Vault.create({ pg: sectionFor(standby) });
  await mkdir(vault.path('streaming', '00000002.history'), { recursive: true });
  for (const path of [vault.path(), vault.path('streaming')]) await chmod(path, 0o777);
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  const { code, stderr } = await vault.run('receive-wal', 'pg');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERROR: ArchiverFailure:.*00000002\.history.*\n(HINT: .+\n)?$/);
  expect(vault.names('streaming')).toEqual(['00000002.history']);
});
