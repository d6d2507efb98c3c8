/**
 * The base backups that were there when WAL was deleted last, on record in a small file.
 *
 * Base backups on a file system that is not mounted look like none at all, and then a window of WAL would be kept and what the backups
 * need would go. A backup that was deleted leaves the directory where it was, or others beside it; the ones that vanish with
 * their directory, or with all that was known in it, may be there again tomorrow.
 */
import { readFile, stat } from 'node:fs/promises';
import { errnoOf, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';
import { namesIfAny } from '../wal-files/directory-listing.ts';
import type { BackupDirectories, BaseBackupListing } from './list-base-backups.ts';

/** What there is of base backups, and where it was found. */
export interface FoundBackups {
  readonly directories: BackupDirectories;
  readonly listing: BaseBackupListing;
}

/** Why it is not known which WAL is needed. */
export interface VanishedBackups {
  /** The oldest of them. */
  readonly id: string;
  /** In words that stand behind the id. */
  readonly problem: string;
  /** What to do. */
  readonly remedy: string;
}

interface KnownBackups {
  readonly ids: readonly string[];
  /** Device and inode of `basebackups_directory`; null when it was not there. */
  readonly directory: string | null;
}

/**
 * Tells of backups that are on record and vanished in a way in which none is deleted; undefined when there are none.
 * @throws {FileSystemError} when the record or the directory cannot be read
 */
export async function findVanishedBackups(recordPath: string, found: FoundBackups): Promise<VanishedBackups | undefined> {
  const text = await textOf(recordPath);
  if (text === undefined) return undefined;
  const { base } = found.directories;
  const known = parse(text);
  if (known === undefined) {
    const remedy = `Look at the file, make sure that all base backups are there, and remove it; a new one is begun then.`;
    return { id: 'of earlier', problem: `not known, since "${recordPath}" holds no list of backups`, remedy };
  }
  const there = new Set(idsOf(found));
  const [oldest] = known.ids.filter((id) => !there.has(id)).toSorted();
  if (oldest === undefined || known.directory === (await identityOf(base))) return undefined;
  const names = new Set(await namesIfAny(base));
  if (known.ids.some((id) => names.has(id))) return undefined;
  return {
    id: oldest,
    problem: `gone from "${base}" with all other backups that were there, and so is that directory itself`,
    remedy: `Mount the file system with the base backups. If they were deleted on purpose, remove "${recordPath}".`,
  };
}

/** Puts on record which backups there are; durable when this returns. @throws {FileSystemError} */
export async function rememberBackups(recordPath: string, found: FoundBackups): Promise<void> {
  const known: KnownBackups = { ids: idsOf(found).toSorted(), directory: await identityOf(found.directories.base) };
  const before = await textOf(recordPath);
  const text = `${JSON.stringify({ version: 1, ...known }, undefined, 2)}\n`;
  if (text === before || (before === undefined && known.ids.length === 0)) return;
  await writeFileAtomic(recordPath, text, { mode: 0o640 });
}

function idsOf({ listing: { backups, unreadable } }: FoundBackups): string[] {
  return [...backups, ...unreadable].map(({ id }) => id);
}

/** The same for the same directory; another one where a file system is mounted, or is no more. */
async function identityOf(directory: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(directory, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileSystemError('look at', directory, error);
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('read', path, error);
  }
}

function parse(text: string): KnownBackups | undefined {
  try {
    const { version, ids, directory } = JSON.parse(text) as { version?: unknown; ids?: unknown; directory?: unknown };
    if (version !== 1 || !Array.isArray(ids) || !ids.every((id) => typeof id === 'string')) return undefined;
    return { ids, directory: typeof directory === 'string' ? directory : null };
  } catch {
    return undefined;
  }
}
