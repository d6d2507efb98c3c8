import { fillSegments, startCluster, startWorkload } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

test.for([
  { major: 18, segmentSizeMb: 1 },
  { major: 18, segmentSizeMb: 16 },
  { major: 14, segmentSizeMb: 1 },
  { major: 14, segmentSizeMb: 16 },
  { major: 13, segmentSizeMb: 1 },
  { major: 15, segmentSizeMb: 1 },
  { major: 16, segmentSizeMb: 1 },
  { major: 17, segmentSizeMb: 1 },
] as const)(
  'under a workload, segments of $segmentSizeMb MiB of PostgreSQL $major are received as the server wrote them',
  async (version) => {
    await using pg = await startCluster(version);
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await vault.startReceiving();
    const written: string[] = [];
    {
      await using workload = await startWorkload(pg, { rowBytes: 2000 });
      written.push(...(await fillSegments(pg, 2)), await pg.switchWal());
      written.push(...(await fillSegments(pg, 1)));
      await workload.reached(50);
    }
    written.push(await pg.switchWal());
    await caughtUp(pg);
    await expect.poll(() => [...vault.segments().keys()]).toEqual(expect.arrayContaining(written));
    const received = await expectSameWal(pg, vault);
    expect(received.length).toBeGreaterThanOrEqual(written.length);
    expect(await vault.state()).toMatchObject({ phase: 'streaming', lastError: null, reconnects: 0 });
  },
);
