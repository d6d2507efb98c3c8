/**
 * Copies of a data directory: cold (server down) or as a base backup of a running server by the low level API
 * ("Making a Base Backup Using the Low Level API"), where files may come, grow and vanish meanwhile.
 */
import { chmodSync, chownSync, constants, copyFileSync, type Dirent, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { serverUser } from './server-user.ts';

// A data directory has a thousand small files: handing each to another thread and back takes several times as long as the work.

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

/** Copies a data directory, for the user that servers run as and with the rights that a server demands; of some directories nothing but the name. */
export function copyDirectory(source: string, target: string, onlyNamed: ReadonlySet<string> = new Set()): void {
  makeDirectory(target);
  copyEntries(source, target, ({ name }) => !leftOut.has(name) && !onlyNamed.has(name));
  for (const name of readdirSync(source)) if (onlyNamed.has(name)) makeDirectory(join(target, name));
}

/** Copies the data directory of a running server between the start and the end of a backup on `client`. */
export async function baseBackup(client: pg.Client, source: string, target: string): Promise<void> {
  const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`);
  const modern = Number(rows[0]?.version) >= 150_000;
  await client.query(modern ? `select pg_backup_start('testkit', true)` : `select pg_start_backup('testkit', true, false)`);
  copyDirectory(source, target, emptied);
  const stop = modern ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)';
  const label = await client.query<{ labelfile: string }>(`select labelfile from ${stop}`);
  writeServerFile(join(target, 'backup_label'), label.rows[0]?.labelfile ?? '');
}

/** Writes a file that belongs to the user servers run as. */
export function writeServerFile(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
  giveToServer(path);
}

/** Gives a directory that somebody else made, with all in it, to the user servers run as. */
export function giveTreeToServer(directory: string): void {
  if (serverUser() === undefined) return;
  for (const name of readdirSync(directory, { encoding: 'utf8', recursive: true })) giveToServer(join(directory, name));
  giveToServer(directory);
}

function copyEntries(source: string, target: string, isTaken: (entry: Dirent) => boolean): void {
  for (const entry of readdirSync(source, { withFileTypes: true }))
    if (isTaken(entry)) copyEntry(join(source, entry.name), join(target, entry.name), entry.isDirectory());
}

function copyEntry(source: string, target: string, isDirectory: boolean): void {
  try {
    if (isDirectory) {
      makeDirectory(target);
      return copyEntries(source, target, () => true);
    }
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    giveToServer(target);
  } catch (error) {
    // The server removed it since we read the directory: it is not needed, or recovery knows how it went.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o700);
  giveToServer(path);
}

function giveToServer(path: string): void {
  const owner = serverUser();
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}
