import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Barman, barmanSectionFor, findProgram, runAsServerUser, startAsServerUser, startCluster } from './index.ts';

test('a real Barman streams from a cluster, archives, and takes a base backup', async () => {
  await using pg = await startCluster({ major: 15, segmentSizeMb: 1 });
  await using barman = await Barman.create({ pg: barmanSectionFor(pg, { compression: 'gzip' }) });
  expect(await barman.succeed('--version')).toMatch(/^3\.4\.0 Barman/);
  expect(await barman.succeed('receive-wal', '--create-slot', 'pg')).toContain("Replication slot 'barman' created");
  await using receiver = await startAsServerUser(barman.argv('receive-wal', 'pg'));
  await receiver.waitForOutput(/starting log streaming/);
  const segment = await pg.switchWal();
  await expect.poll(() => readdirSync(barman.path('streaming'))).toContain(segment);
  await pg.query(`select pg_logical_emit_message(true, 'test', 'next segment')`);
  await expect.poll(() => readdirSync(barman.path('streaming')).some((name) => name.endsWith('.partial'))).toBe(true);
  expect(await barman.succeed('archive-wal', 'pg')).toContain(segment);
  expect(await barman.succeed('backup', 'pg')).toMatch(/Backup completed/);
  expect(await barman.succeed('list-backup', 'pg')).toMatch(/^pg \d{8}T\d{6} /);
});

test.each([
  ['pgbackrest', 'version'],
  ['barman-wal-archive', '--version'],
  ['barman-wal-restore', '--version'],
  ['rsync', '--version'],
  ['xz', '--version'],
  ['bzip2', '--help'],
  ['pigz', '--version'],
  ['zstd', '--version'],
  ['lz4', '--version'],
])('finds %s, ready to run', async (name, option) => {
  const { argv, env } = findProgram(name);
  expect(await runAsServerUser([...argv, option], { env })).toMatchObject({ code: 0 });
});
