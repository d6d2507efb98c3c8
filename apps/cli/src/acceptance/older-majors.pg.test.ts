import { type Cluster, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { killedReceiverIsResumed, slotIsMadeUsedAndDropped, streamIsWhatServerWrote } from './core-cases.test-support.ts';
import { sectionFor, Vault } from './vault.test-support.ts';

/** PostgreSQL 10 has only the segment size that it was built with. */
const versions = [
  { major: 10, segmentSizeMb: 16 },
  { major: 11, segmentSizeMb: 1 },
  { major: 12, segmentSizeMb: 1 },
] as const;

describe.for(versions)('PostgreSQL $major, which its makers maintain no more', (version) => {
  const stack = new AsyncDisposableStack();
  let pg: Cluster;
  let vault: Vault;

  beforeAll(async () => {
    pg = stack.use(await startCluster(version));
    vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  test('the slot is made, used and dropped', () => slotIsMadeUsedAndDropped(pg, vault));

  test('what is received under a workload is what the server wrote', () => streamIsWhatServerWrote(pg, vault));

  test('a receiver that is killed is followed by one that goes on without a hole', () => killedReceiverIsResumed(pg, vault));

  test('status tells its version', async () => {
    expect(await vault.succeed('status', 'pg')).toContain(`\tPostgreSQL version: ${version.major}.`);
  });
});
