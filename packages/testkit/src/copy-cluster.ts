/**
 * Copies of a data directory: cold (server down) or as a base backup of a running server by the low level API
 * ("Making a Base Backup Using the Low Level API"), where files may come, grow and vanish meanwhile.
 */
import { constants } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { serverUser } from './server-user.ts';

/** Of no use in another place: a lock of the server that was copied. */
const leftOut = new Set(['postmaster.pid', 'postmaster.opts']);
/** Directories of which a base backup takes nothing but the name (basebackup.c, excludeDirContents, and pg_wal). */
const emptied = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);

/** Copies a data directory, for the user that servers run as and with the rights that a server demands. */
export async function copyDirectory(source: string, target: string): Promise<void> {
  await makeDirectory(target);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    if (leftOut.has(entry.name)) continue;
    await copyEntry(join(source, entry.name), join(target, entry.name), entry.isDirectory());
  }
}

/** Copies the data directory of a running server between the start and the end of a backup on `client`. */
export async function baseBackup(client: pg.Client, source: string, target: string): Promise<void> {
  const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`);
  const modern = Number(rows[0]?.version) >= 150_000;
  await client.query(modern ? `select pg_backup_start('testkit', true)` : `select pg_start_backup('testkit', true, false)`);
  await makeDirectory(target);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    if (leftOut.has(entry.name)) continue;
    if (emptied.has(entry.name)) await makeDirectory(join(target, entry.name));
    else await copyEntry(join(source, entry.name), join(target, entry.name), entry.isDirectory());
  }
  const stop = modern ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)';
  const label = await client.query<{ labelfile: string }>(`select labelfile from ${stop}`);
  await writeServerFile(join(target, 'backup_label'), label.rows[0]?.labelfile ?? '');
}

/** Writes a file that belongs to the user servers run as. */
export async function writeServerFile(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await giveToServer(path);
}

/** Gives a directory that somebody else made, with all in it, to the user servers run as. */
export async function giveTreeToServer(directory: string): Promise<void> {
  if (serverUser() === undefined) return;
  for (const name of await readdir(directory, { recursive: true })) await giveToServer(join(directory, name));
  await giveToServer(directory);
}

async function copyEntry(source: string, target: string, isDirectory: boolean): Promise<void> {
  try {
    if (!isDirectory) {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      return await giveToServer(target);
    }
    await makeDirectory(target);
    const entries = await readdir(source, { withFileTypes: true });
    for (const entry of entries) await copyEntry(join(source, entry.name), join(target, entry.name), entry.isDirectory());
  } catch (error) {
    // The server removed it since we read the directory: it is not needed, or recovery knows how it went.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o700);
  await giveToServer(path);
}

async function giveToServer(path: string): Promise<void> {
  const owner = serverUser();
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
}
