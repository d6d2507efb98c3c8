import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Barman, type Cluster, fillSegments, startCluster, temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { barmanBeside, localSsh, receiveByBarman } from './barman.test-support.ts';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/** Full segments, and something in the one after. */
async function write(pg: Cluster): Promise<readonly string[]> {
  const full = await fillSegments(pg, 2);
  await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 100000))`);
  return full;
}

async function turnOfOurs(pg: Cluster, vault: Vault): Promise<void> {
  await vault.startReceiver();
  await write(pg);
  await caughtUp(pg);
  await vault.stopReceiver(pg);
  await vault.succeed('archive-wal', 'pg');
}

async function turnOfBarman(pg: Cluster, barman: Barman): Promise<void> {
  await receiveByBarman(barman, pg, async () => write(pg));
  await barman.succeed('archive-wal', 'pg');
}

test('walvault and Barman take turns at receiving and archiving in one directory', async () => {
  await using pg = await startCluster({ major: 15, segmentSizeMb: 1, settings: { wal_keep_size: '1GB' } });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  await using barman = await barmanBeside(vault, pg, {});
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  await turnOfOurs(pg, vault);
  await turnOfBarman(pg, barman);
  await turnOfOurs(pg, vault);
  await turnOfBarman(pg, barman);

  const received = await expectSameWal(pg, vault);
  expect(received.length).toBeGreaterThanOrEqual(8);
  const noted = (await readFile(vault.path('wals', 'xlog.db'), 'utf8')).match(/^[0-9A-F]{24}(?=\t)/gm) ?? [];
  const archived = [...vault.segments()].filter(([, path]) => path.startsWith(vault.path('wals'))).map(([name]) => name);
  expect(noted).toEqual(archived);
  expect(vault.names('errors')).toEqual([]);
  expect(readdirSync(barman.path('errors'))).toEqual([]);
  expect((await barman.run('check', 'pg')).stdout).toMatch(/\tarchiver errors: OK\n/);
  expect(await barman.succeed('rebuild-xlogdb', 'pg')).toContain(`wal_file: ${noted.length})`);
});

test("Barman's client barman-wal-archive brings WAL to walvault through ssh, and Barman gets it from there", async () => {
  await using remote = await temporaryDirectory('remote');
  const settings = { wal_keep_size: '1GB', archive_mode: 'on', archive_command: 'true' };
  await using pg = await startCluster({ major: 15, segmentSizeMb: 1, settings });
  await using vault = await Vault.create({ pg: { conninfo: pg.conninfo(), archiver: 'on', compression: 'gzip' } });
  await using barman = await barmanBeside(vault, pg);
  await localSsh(remote.path, remote.path);
  await vault.installAs('barman', remote.path);
  const client = join(barman.programDirectory, 'barman-wal-archive');
  await pg.query(`alter system set archive_command = 'PATH="${remote.path}:$PATH" ${client} localhost pg %p'`);
  await pg.reload();
  await pg.waitFor(`select current_setting('archive_command') <> 'true'`);
  const full = await fillSegments(pg, 2);
  await pg.waitFor(`select last_archived_wal >= '${full.at(-1)}' from pg_stat_archiver`);
  await vault.succeed('archive-wal', 'pg');
  await using target = await temporaryDirectory('target');
  for (const name of full) {
    await barman.succeed('get-wal', '-o', target.path, 'pg', name);
    expect((await readFile(join(target.path, name))).equals(await readFile(join(pg.walDirectory, name))), name).toBe(true);
  }
  expect(readdirSync(barman.path('errors'))).toEqual([]);
});
