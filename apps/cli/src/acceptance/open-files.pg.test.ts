import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fillSegments, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/** What a process has open, as far as it is still open when it is looked at. */
function openFiles(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

test('a receiver that goes on behind what is archived keeps no file of the archive open', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await vault.startReceiving();
  await fillSegments(pg, 3);
  await caughtUp(pg);
  await vault.stopReceiver(pg);
  await vault.succeed('archive-wal', 'pg');
  const pid = await vault.startReceiver();
  const files = openFiles(pid).filter((path) => path.startsWith(vault.home));
  expect(files).toContain(join(vault.home, '.pg-receive-wal.lock'));
  expect(files.filter((path) => path.startsWith(vault.path('wals')))).toEqual([]);
});
