import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, createStandby, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fastShutdownIsNotHeldUp,
  killedReceiverIsResumed,
  slotIsMadeUsedAndDropped,
  streamIsWhatServerWrote,
} from './core-cases.test-support.ts';
import { expectSameWalAcross } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

describe.for([13, 14, 15, 16, 17, 18] as const)('PostgreSQL %i', (major) => {
  const stack = new AsyncDisposableStack();
  let pg: Cluster;
  let vault: Vault;

  beforeAll(async () => {
    pg = stack.use(await startCluster({ major, segmentSizeMb: 1 }));
    vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  test('the slot is made, used and dropped', () => slotIsMadeUsedAndDropped(pg, vault));

  test('what is received under a workload is what the server wrote', () => streamIsWhatServerWrote(pg, vault));

  test('a fast shutdown waits for us and for no longer than that', () => fastShutdownIsNotHeldUp(pg, vault));

  test('a receiver that is killed is followed by one that goes on without a hole', () => killedReceiverIsResumed(pg, vault));

  test('the promotion of the standby that we stream from is followed, on the same connection', async () => {
    await using standby = await createStandby(pg);
    await using other = await Vault.create({ pg: sectionFor(standby) });
    const pid = await other.startReceiving();
    const full = await fillSegments(pg, 1);
    await expect.poll(() => other.names('streaming')).toContain(full.at(-1));
    await standby.promote();
    const first = await standby.switchWal();
    expect(first).toMatch(/^00000002/);
    await caughtUp(standby);
    await expect.poll(() => other.names('streaming')).toContain(first);
    await other.reaches({ phase: 'streaming', pid, timelineId: 2, reconnects: 0, lastError: null });
    const history = await readFile(join(standby.walDirectory, '00000002.history'));
    expect(await readFile(other.path('streaming', '00000002.history'))).toEqual(history);
    expect(await expectSameWalAcross([pg, standby], other)).toEqual(expect.arrayContaining([...full, first]));
  });
});

test('segments of 16 MiB, as most servers have them, are received as the server wrote them', async () => {
  await using pg = await startCluster();
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await streamIsWhatServerWrote(pg, vault);
});
