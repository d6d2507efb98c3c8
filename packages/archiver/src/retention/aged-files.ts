/** The files of the archive and how young they are. */
import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { archivedFilesIn, archiveRoot } from '../wal-files/directory-listing.ts';
import { archivePath } from '../wal-files/layout.ts';
import type { AgedFile } from './plan-retention.ts';

/** What is known of times. */
export interface AgeOptions {
  /** In milliseconds since 1970; what is later than this is no time of a commit, but a clock that was wrong. */
  readonly now: number;
  /** Time of the last commit of segments, by name, in microseconds since 1970; of those that are known. */
  readonly lastCommits?: ReadonlyMap<string, bigint> | undefined;
}

/** So many files are looked at at the same time. */
const atOnce = 64;

/**
 * All segments, partial and backup history files of an archive, sorted by name. Whatever else lies there is left alone.
 * @throws {FileSystemError} when a directory or a file cannot be looked at
 */
export async function agedFiles(walsDirectory: string, options: AgeOptions): Promise<readonly AgedFile[]> {
  const aged: AgedFile[] = [];
  const { hashDirectories } = await archiveRoot(walsDirectory);
  for (const directory of hashDirectories) {
    const files = (await archivedFilesIn(walsDirectory, directory)).filter((file) => file.kind !== 'history');
    const inPlace = files.filter((file) => file.name.startsWith(directory.name));
    for (let at = 0; at < inPlace.length; at += atOnce) {
      const some = await Promise.all(inPlace.slice(at, at + atOnce).map((file) => age(walsDirectory, file, options)));
      aged.push(...some.filter((file) => file !== undefined));
    }
  }
  return aged;
}

async function age(walsDirectory: string, file: AgedFile['file'], options: AgeOptions): Promise<AgedFile | undefined> {
  const stats = await statsOf(archivePath(walsDirectory, file));
  if (stats === undefined) return undefined;
  const committed = options.lastCommits?.get(file.name);
  const lastCommit = committed === undefined || Number(committed) / 1000 > options.now ? undefined : Number(committed) / 1000;
  return { file, time: Math.max(stats.mtimeMs, lastCommit ?? 0), lastCommit, size: stats.size };
}

/** Undefined when it is not a regular file, or not there any more. */
async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('look at', path, error);
  }
}
