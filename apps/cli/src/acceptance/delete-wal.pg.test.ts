/** What retention leaves is enough: real base backups, real recoveries behind a real `delete-wal`. */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fillSegments, startCluster, temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { recover } from './expectations.test-support.ts';
import { caughtUp, plant, sectionFor, Vault } from './vault.test-support.ts';

/** Makes a backup that is there known, as Barman would. */
async function makeKnown(vault: Vault, directory: string): Promise<string> {
  const label = await readFile(join(directory, 'backup_label'), 'utf8');
  const [, beginXlog, beginWal] = /^START WAL LOCATION: ([0-9A-F/]+) \(file ([0-9A-F]{24})\)/m.exec(label) ?? [];
  const info = {
    status: 'DONE',
    timeline: 1,
    begin_wal: beginWal,
    begin_xlog: beginXlog,
    end_wal: beginWal,
    end_xlog: beginXlog,
    xlog_segment_size: 1_048_576,
  };
  const lines = Object.entries(info).map(([key, value]) => `${key}=${value}\n`);
  await plant(vault.path('base', '20261101T000000'), 'backup.info', lines.join(''));
  return beginWal!;
}

async function recovered(vault: Vault, backup: string): Promise<unknown> {
  await using home = await temporaryDirectory('recovered');
  const data = join(home.path, 'data');
  await cp(join(vault.home, backup), data, { recursive: true, preserveTimestamps: true });
  const recovery = await recover(data, { segmentSizeMb: 1, settings: { restore_command: vault.restoreCommand('--partial') } });
  if ('log' in recovery) return recovery;
  await using server = recovery.server;
  return (await server.query('select name from marks')).map(({ name }) => name);
}

test('the backup that is known recovers to the last commit behind delete-wal, and an older one stops', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using vault = await Vault.create({ pg: sectionFor(pg, { compression: 'zstd' }) });
  await vault.startReceiving();
  await pg.query('create table marks (name text)');
  await pg.baseBackup(join(vault.home, 'forgotten'));
  await pg.query(`insert into marks values ('before')`);
  await fillSegments(pg, 3);
  await pg.baseBackup(join(vault.home, 'known'));
  await fillSegments(pg, 2);
  await pg.query(`insert into marks values ('after')`);
  await caughtUp(pg);
  await vault.succeed('receive-wal', '--stop', 'pg');
  await vault.succeed('archive-wal', 'pg');

  const beginWal = await makeKnown(vault, join(vault.home, 'known'));
  const names = [...vault.segments().keys()];
  expect(names.filter((name) => name < beginWal).length).toBeGreaterThan(2);
  await vault.succeed('delete-wal', 'pg');
  expect([...vault.segments().keys()]).toEqual(names.filter((name) => name >= beginWal));

  expect(await recovered(vault, 'known')).toEqual(['before', 'after']);
  expect(await recovered(vault, 'forgotten')).toMatchObject({ log: expect.stringContaining('exit code 255') });
});
