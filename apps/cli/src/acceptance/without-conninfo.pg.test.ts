/** Streaming needs the streaming connection alone: what is wrong with the ordinary one is told, and keeps no WAL from coming. */
import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

test.each([14, 18] as const)('a conninfo that leads nowhere does not stop receiving from PostgreSQL %i', async (major) => {
  await using pg = await startCluster({ major, segmentSizeMb: 1 });
  await pg.query(`select pg_create_physical_replication_slot('barman', true)`);
  const conninfo = pg.conninfo({ dbname: 'nonesuch' });
  await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo, streaming_conninfo: pg.conninfo() }) });
  await vault.startReceiving();
  await pg.switchWal();
  await caughtUp(pg);
  expect(await pg.value(`select active from pg_replication_slots where slot_name = 'barman'`)).toBe('true');
  expect(await vault.log()).toContain('the ordinary connection (conninfo) cannot be used');
  expect(await vault.run('check', 'pg')).toMatchObject({ code: 1, stdout: expect.stringContaining('PostgreSQL: FAILED') });
  await vault.stopReceiver(pg);
});
