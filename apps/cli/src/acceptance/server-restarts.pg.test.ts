import { type Cluster, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
let pid: number;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
  pid = await vault.startReceiving();
});

afterAll(() => stack[Symbol.asyncDispose]());

test.each(['fast', 'immediate'] as const)('a receiver waits out a %s shutdown and goes on without a hole', async (mode) => {
  await fillSegments(pg, 1);
  const { reconnects } = await vault.state();
  await pg.stop(mode);
  const waiting = await vault.reaches({ phase: 'waiting', lastError: { code: 'ERR_CONNECT' } });
  expect(waiting.lastError!.message).toMatch(/connection refused/i);
  expect(Date.parse(waiting.nextAttemptAt!)).not.toBeNaN();
  // It tries again now and then.
  await expect.poll(() => vault.succeed('status', 'pg')).toContain(`\tReceiver: waiting (pid ${pid})\n`);
  const status = await vault.succeed('status', 'pg');
  expect(status).toContain('\tLast error: ERR_CONNECT: ');
  expect(status).toContain('\tPostgreSQL version: FAILED trying to get PostgreSQL version (');

  await pg.start();
  const [full] = await fillSegments(pg, 2);
  await caughtUp(pg);
  await expect.poll(() => vault.names('streaming')).toContain(full);
  const streaming = await vault.reaches({ phase: 'streaming', nextAttemptAt: null, pid });
  expect(streaming.reconnects).toBeGreaterThan(reconnects);
  await expectSameWal(pg, vault);
});

test('a fast shutdown waits for the receiver, which has the last record then', async () => {
  await caughtUp(pg);
  await pg.stop('fast');
  const { writtenLsn, flushedLsn, serverLsn } = await vault.reaches({ phase: 'waiting' });
  expect({ writtenLsn, flushedLsn }).toEqual({ writtenLsn: serverLsn, flushedLsn: serverLsn });
  await pg.start();
});
