/**
 * The base backups of a server, as Barman has left them:
 *
 *   base/ID/backup.info             up to Barman 3.13.1
 *   meta/ID-backup.info             later; counts where both are there
 *   base/ID/annotations/keep, meta/ID-keep
 *
 * They are read and never written. A directory that is named like a backup and has no backup.info is one that cannot be read: its file may
 * be lost, or not be mounted, and its WAL is needed all the same.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { namesIfAny } from '../wal-files/directory-listing.ts';
import { BackupInfoProblem, type BaseBackup, parseBackupInfo } from './base-backup.ts';

/** Where base backups are; neither directory need exist. */
export interface BackupDirectories {
  /** `basebackups_directory` */
  readonly base: string;
  /** `meta` in `backup_directory`, of Barman 3.13.2 and later. */
  readonly meta: string;
}

/** A backup of which nobody can say which WAL it needs. */
export interface UnreadableBackup {
  readonly id: string;
  /** Path of its `backup.info`. */
  readonly path: string;
  /** In words that stand behind the path. */
  readonly problem: string;
  /** What to do, where that is more than to repair the file. */
  readonly remedy?: string | undefined;
}

/** What there is of base backups. */
export interface BaseBackupListing {
  /** By id, which is by the time they were begun. */
  readonly backups: readonly BaseBackup[];
  /** Whoever deletes WAL must delete none as long as there is one of these. */
  readonly unreadable: readonly UnreadableBackup[];
}

/**
 * Lists the base backups. Without the directories there are none.
 * @throws {FileSystemError} when a directory or a file is there and cannot be read
 */
export async function listBaseBackups(directories: BackupDirectories): Promise<BaseBackupListing> {
  const backups: BaseBackup[] = [];
  const unreadable: UnreadableBackup[] = [];
  for (const id of await idsIn(directories)) {
    const found = await backupInfo(directories, id);
    if (found === undefined) {
      if (await isBackupDirectory(join(directories.base, id))) unreadable.push(withoutInfo(directories, id));
      continue;
    }
    try {
      backups.push(parseBackupInfo(id, found.text, await keepAnnotation(directories, id)));
    } catch (error) {
      if (!(error instanceof BackupInfoProblem)) throw error;
      unreadable.push({ id, path: found.path, problem: error.message });
    }
  }
  return { backups, unreadable };
}

const infoSuffix = '-backup.info';
const idShape = /^\d{8}T\d{6}$/;

/** A name that leads nowhere counts, too: it may lead to storage that is not mounted. */
async function isBackupDirectory(path: string): Promise<boolean> {
  if (!idShape.test(basename(path))) return false;
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return true;
  }
}

function withoutInfo({ base }: BackupDirectories, id: string): UnreadableBackup {
  const remedy = 'Bring it back, or remove the directory if it is what is left of a deleted backup.';
  return { id, path: join(base, id, 'backup.info'), problem: 'is missing', remedy };
}

async function idsIn({ base, meta }: BackupDirectories): Promise<readonly string[]> {
  const inMeta = (await namesIfAny(meta)).filter((name) => name.endsWith(infoSuffix));
  const ids = [...(await namesIfAny(base)), ...inMeta.map((name) => name.slice(0, -infoSuffix.length))];
  return [...new Set(ids)].toSorted();
}

async function backupInfo(
  { base, meta }: BackupDirectories,
  id: string,
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  for (const path of [join(meta, `${id}${infoSuffix}`), join(base, id, 'backup.info')]) {
    const text = await textOrNone(path);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

async function keepAnnotation({ base, meta }: BackupDirectories, id: string): Promise<string | undefined> {
  return (await textOrNone(join(meta, `${id}-keep`))) ?? (await textOrNone(join(base, id, 'annotations', 'keep')));
}

async function textOrNone(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // A file that lies among the backups is no backup.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw fileSystemError('read', path, error);
  }
}
