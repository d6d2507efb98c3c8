import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/** Number of the segment that a position of the first 4 GiB is in. */
function segmentOf(lsn: string, walSegmentSize: number): number {
  return Math.floor(Number.parseInt(lsn.split('/')[1]!, 16) / walSegmentSize);
}

// Trap T7: pg_receivewal takes complete compressed segments of 8 MiB for damaged ones and starts somewhere else after a restart.
test.for([8, 64])('T7: with segments of %i MiB a restart goes on behind the last complete one', async (segmentSizeMb) => {
  await using pg = await startCluster({ segmentSizeMb });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await vault.startReceiving();
  const first = await pg.switchWal();
  const second = await pg.switchWal();
  await expect.poll(() => vault.names('streaming')).toEqual(expect.arrayContaining([first, second]));
  await vault.stopReceiver(pg);

  await vault.startReceiver();
  const { startLsn, walSegmentSize } = await vault.state();
  expect(walSegmentSize).toBe(segmentSizeMb * 1024 * 1024);
  expect(segmentOf(startLsn!, walSegmentSize!)).toBe(Number.parseInt(second.slice(8), 16) + 1);
  const third = await pg.switchWal();
  await caughtUp(pg);
  await expect.poll(() => vault.names('streaming')).toContain(third);
  expect(await expectSameWal(pg, vault)).toEqual(expect.arrayContaining([first, second, third]));
});
