import { readdirSync } from 'node:fs';
import { type Cluster, fillSegments, findProgram, startAsServerUser, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/** Starts in the middle of a segment, ends in the middle of a later one. */
async function writeSegmentsAndAHalf(pg: Cluster, count: number): Promise<readonly string[]> {
  const full = await fillSegments(pg, count);
  await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 300000))`);
  return full;
}

/** Lets PostgreSQL's own receiver work until the server's position is durable there. */
async function receiveByPgReceivewal(pg: Cluster, directory: string, work: () => Promise<readonly string[]>): Promise<void> {
  const { path, env } = findProgram('pg_receivewal');
  const argv = [
    path,
    '-D',
    directory,
    '-S',
    'barman',
    '--synchronous',
    '--no-loop',
    '-s',
    '1',
    '-d',
    pg.conninfo({ dbname: undefined }),
  ];
  await using program = await startAsServerUser(argv, { env });
  const full = await work();
  await caughtUp(pg);
  await expect.poll(() => readdirSync(directory)).toEqual(expect.arrayContaining([...full]));
  expect(await program.kill('SIGINT')).toMatchObject({ code: 0 });
  await pg.waitFor('select not active from pg_replication_slots');
}

async function receiveByUs(pg: Cluster, vault: Vault, work: () => Promise<readonly string[]>): Promise<void> {
  await vault.startReceiver();
  await work();
  await caughtUp(pg);
  await vault.succeed('receive-wal', '--stop', 'pg');
  await pg.waitFor('select not active from pg_replication_slots');
}

test('pg_receivewal goes on in the middle of a segment where we stopped, and we where it stopped', async () => {
  await using pg = await startCluster({ major: 15, segmentSizeMb: 1 });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  const write = async (): Promise<readonly string[]> => writeSegmentsAndAHalf(pg, 2);
  const partials = (): readonly string[] => vault.names('streaming').filter((name) => name.endsWith('.partial'));

  await receiveByUs(pg, vault, write);
  const [left] = partials();
  expect(left).toBeDefined();
  await receiveByPgReceivewal(pg, vault.path('streaming'), write);
  expect(vault.names('streaming')).toContain(left!.replace('.partial', ''));
  const [leftByIt] = partials();
  expect(leftByIt! > left!).toBe(true);
  await receiveByUs(pg, vault, write);
  expect(vault.names('streaming')).toContain(leftByIt!.replace('.partial', ''));
  await receiveByPgReceivewal(pg, vault.path('streaming'), async () => [await pg.switchWal()]);

  const received = await expectSameWal(pg, vault);
  expect(received.length).toBeGreaterThanOrEqual(6);
});
