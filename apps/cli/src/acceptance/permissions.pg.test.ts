import { chmod, stat } from 'node:fs/promises';
import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { sectionFor, Vault } from './vault.test-support.ts';

// Assertion 28 of PostgreSQL's 020_pg_receivewal.pl, for both kinds of cluster.
test.for([
  { access: 'only the owner', initdb: [], file: 0o600 },
  { access: 'the group too', initdb: ['--allow-group-access'], file: 0o640 },
])('who may read is who may read the data directory: $access', async ({ initdb, file }) => {
  await using pg = await startCluster({ segmentSizeMb: 1, initdb });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await vault.startReceiving();
  const last = await pg.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(last);
  await pg.query(`select pg_logical_emit_message(true, 'test', 'in the next segment')`);
  await expect.poll(() => vault.names('streaming').filter((name) => name.endsWith('.partial'))).toHaveLength(1);
  const mode = async (...names: string[]): Promise<number> => (await stat(vault.path(...names))).mode & 0o777;
  for (const name of vault.names('streaming')) expect(await mode('streaming', name), name).toBe(file);
  // the directory is made before any server is asked, for the owner alone; who opens it to others is left to it
  expect(await mode('streaming')).toBe(0o700);
  await chmod(vault.path('streaming'), 0o750);
  await vault.run('receive-wal', '--stop', 'pg');
  await vault.startReceiving();
  expect(await mode('streaming')).toBe(0o750);
});
