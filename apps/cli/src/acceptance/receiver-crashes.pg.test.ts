import { join } from 'node:path';
import { startCluster, startWorkload, verifyWorkload } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWal, recover } from './expectations.test-support.ts';
import { killHard, sectionFor, Vault } from './vault.test-support.ts';

test('a receiver that is killed ten times loses no commit that it vouched for', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  let pid = await vault.startReceiving();
  const backup = join(vault.home, 'backup');
  await pg.baseBackup(backup);
  await pg.query(`alter system set synchronous_standby_names = 'barman_receive_wal'`);
  await pg.reload();
  await pg.waitFor(`select count(*) = 1 from pg_stat_replication where sync_state = 'sync'`);

  await using workload = await startWorkload(pg, { rowBytes: 4000 });
  for (let round = 1; round <= 10; round += 1) {
    await workload.reached(workload.acknowledged.count + 60);
    await killHard(pid);
    if (round % 3 === 0) await vault.succeed('archive-wal', 'pg');
    pid = await vault.startReceiver();
  }
  await workload.reached(workload.acknowledged.count + 60);

  // The disaster, while commits are under way: what was acknowledged up to now must be on our side.
  await pg.kill();
  const acknowledged = await workload.stop();
  await vault.succeed('receive-wal', '--stop', 'pg');
  await expectSameWal(pg, vault);
  await vault.succeed('archive-wal', 'pg');
  await pg.destroyData();

  const settings = { restore_command: vault.restoreCommand('--partial') };
  const recovery = await recover(backup, { segmentSizeMb: 1, settings });
  if ('log' in recovery) throw new Error(recovery.log);
  await using restored = recovery.server;
  const verdict = await verifyWorkload(restored, acknowledged);
  expect(acknowledged.count).toBeGreaterThanOrEqual(660);
  expect(verdict.lost).toEqual([]);
});
