/**
 * The last step, for a group of files at a time, in the order in which they came: their names are made durable (one fsync of each
 * directory), they are noted in xlog.db (one write, one fsync) and in
 * the catalogue (one transaction), told to the scripts and to the caller, and only then their sources go, with one fsync of
 * their directory. Whatever ends it in between leaves sources that the next pass finds to be in the archive.
 */
import { durableUnlinkAll, syncDirectory, syncParent } from '@walvault/durable-fs';
import { parseWalFileName } from '@walvault/wal';
import type { CatalogEntry } from '../catalog/catalog.ts';
import { hashDirectoryPath } from '../wal-files/layout.ts';
import { secondsOf } from '../wal-files/xlog-db-line.ts';
import { runPostHooks } from './archive-hooks.ts';
import type { Outcome, StoredFile } from './carry-out.ts';
import { isUnchanged } from './is-unchanged.ts';
import { tellResult } from './log-result.ts';
import type { PassContext } from './pass-context.ts';

/**
 * Finishes a group of files of one directory.
 * @throws {FileSystemError} and what `onFile` throws: then the rest of the group is not finished
 * @throws {ArchiverBusyError} when another process keeps the lock of xlog.db
 */
export async function finishFiles(context: PassContext, group: readonly Outcome[]): Promise<void> {
  const stored = group.flatMap((outcome) => outcome.stored ?? []);
  await makeNamesDurable(context, stored);
  await context.xlogDb.note(stored);
  await context.catalog.note(stored.flatMap((file) => catalogEntryOf(file, context.now()) ?? []));
  const spent: SpentFile[] = [];
  try {
    for (const outcome of group) {
      await runPostHooks(context, outcome.told);
      await tellResult(context, outcome.result);
      if (outcome.spent !== undefined) spent.push(outcome.spent);
    }
  } finally {
    await removeAll(spent, context);
  }
}

async function makeNamesDurable(context: PassContext, files: readonly StoredFile[]): Promise<void> {
  const { walsDirectory, disk } = context;
  const directories = new Set(files.map(({ name }) => hashDirectoryPath(walsDirectory, parseWalFileName(name))));
  for (const directory of directories) {
    await syncDirectory(directory, disk);
    await makeDirectoryDurable(context, directory);
  }
}

/** Once in a pass: whoever made it, another worker or a pass that was killed, may not have come to that. */
async function makeDirectoryDurable({ walsDirectory, durableDirectories, disk }: PassContext, path: string): Promise<void> {
  if (path === walsDirectory || durableDirectories.has(path)) return;
  await syncParent(path, disk);
  durableDirectories.add(path);
}

type SpentFile = NonNullable<Outcome['spent']>;

/** What has another content under its name by now was brought anew, or is written to: the next pass looks at it. */
async function removeAll(files: readonly SpentFile[], { disk, log, serverName }: PassContext): Promise<void> {
  const paths: string[] = [];
  for (const file of files) {
    if (await isUnchanged(file, disk)) paths.push(file.path);
    else log.warn({ server: serverName }, `"${file.path}" has changed since it was looked at, and stays for the next pass`);
  }
  const [first, ...others] = paths;
  if (first !== undefined) await durableUnlinkAll([first, ...others], disk);
}

function catalogEntryOf({ facts, size, compression, mtimeNs }: StoredFile, archivedAt: number): CatalogEntry | undefined {
  if (facts === undefined) return undefined;
  return { facts, storedBytes: size, compression, modifiedAt: secondsOf(mtimeNs), archivedAt };
}
