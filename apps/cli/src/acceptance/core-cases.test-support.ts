/** What must work with every major version of PostgreSQL, once for each of the files that say which versions those are. */
import { type Cluster, fillSegments, startWorkload } from '@walvault/testkit';
import { expect } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, killHard, type Vault } from './vault.test-support.ts';

/** The slot is made, seen in use, refused to another one, and dropped. */
export async function slotIsMadeUsedAndDropped(pg: Cluster, vault: Vault): Promise<void> {
  const create = await vault.succeed('receive-wal', '--create-slot', 'pg');
  expect(create).toMatch(/^Creating physical .+\nReplication slot 'barman' created\n$/);
  const keeps = 'select restart_lsn is not null from pg_replication_slots';
  expect(await pg.value(keeps)).toBe('true');
  await vault.startReceiver();
  expect((await vault.run('receive-wal', '--drop-slot', 'pg')).stderr).toContain('because it is in use');
  await vault.stopReceiver(pg);
  await vault.succeed('receive-wal', '--drop-slot', 'pg');
  expect(await pg.value('select count(*) from pg_replication_slots')).toBe('0');
  expect((await vault.run('receive-wal', 'pg')).stderr).toContain("replication slot 'barman' doesn't exist");
}

/** Under a workload, over two forced switches, every byte is what the server wrote. */
export async function streamIsWhatServerWrote(pg: Cluster, vault: Vault): Promise<void> {
  await vault.startReceiving();
  const written: string[] = [];
  {
    await using workload = await startWorkload(pg, { rowBytes: 2000 });
    written.push(...(await fillSegments(pg, 2)), await pg.switchWal());
    await workload.reached(50);
  }
  written.push(await pg.switchWal());
  await caughtUp(pg);
  await expect.poll(() => [...vault.segments().keys()]).toEqual(expect.arrayContaining(written));
  await expectSameWal(pg, vault);
  await vault.reaches({ phase: 'streaming', lastError: null, reconnects: 0 });
  await vault.stopReceiver(pg);
}

/** A receiver that is killed in the middle of the work is followed by one that goes on without a hole. */
export async function killedReceiverIsResumed(pg: Cluster, vault: Vault): Promise<void> {
  await vault.startReceiving();
  await using workload = await startWorkload(pg, { rowBytes: 4000, pauseMs: 5 });
  await workload.reached(100);
  await killHard((await vault.state()).pid);
  await workload.reached(workload.acknowledged.count + 100);
  await pg.waitFor('select not active from pg_replication_slots');
  await vault.startReceiver();
  await workload.stop();
  const last = await pg.switchWal();
  await caughtUp(pg);
  await expect.poll(() => vault.names('streaming')).toContain(last);
  await expectSameWal(pg, vault);
  await vault.stopReceiver(pg);
}

/** A fast shutdown ends with its last record here, the checkpoint, and streaming goes on when the server is back. */
export async function fastShutdownIsNotHeldUp(pg: Cluster, vault: Vault): Promise<void> {
  await vault.startReceiving();
  await caughtUp(pg);
  await pg.stop('fast');
  const { writtenLsn, flushedLsn } = await vault.reaches({ phase: 'waiting' });
  expect(writtenLsn).toBe(flushedLsn);
  await pg.start();
  const hasIt = 'select $1::pg_lsn > checkpoint_lsn from pg_control_checkpoint()';
  expect(await pg.value(hasIt, [flushedLsn]), 'the shutdown checkpoint is here').toBe('true');
  const last = await pg.switchWal();
  await caughtUp(pg);
  await expect.poll(() => vault.names('streaming')).toContain(last);
  await expectSameWal(pg, vault);
  await vault.stopReceiver(pg);
}
