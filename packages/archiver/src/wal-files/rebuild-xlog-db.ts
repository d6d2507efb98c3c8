/**
 * rebuild-xlogdb: xlog.db made anew from what is in the archive, in one step, under the locks of those who would add lines.
 *
 * Unlike Barman it lists incomplete segments, too: what is not listed is never deleted by retention. Each file is opened once, to
 * tell its compression; only that a file is encrypted cannot be told from it, and is taken over from the line that it has.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, fileSystemError, writeFileAtomic, makeDirectories } from '@walvault/durable-fs';
import { tryParseWalFileName, type WalFileName } from '@walvault/wal';
import type { CustomFilters } from '../content/codec.ts';
import { ContentFile } from '../content/content.ts';
import { archiveLockPath, tryParseHashDirectory, xlogDbLockPath } from './layout.ts';
import { waitForLock } from './wait-for-lock.ts';
import { xlogDbPath } from './xlog-db.ts';
import { formatXlogDbLine, secondsOf, tryParseXlogDbLine, type XlogDbEntry } from './xlog-db-line.ts';

/** Whose xlog.db. */
export interface RebuildXlogDbOptions {
  readonly serverName: string;
  readonly walsDirectory: string;
  /** `xlogdb_directory`, if it is set. */
  readonly xlogDbDirectory?: string | undefined;
  /** `barman_lock_directory` */
  readonly lockDirectory: string;
  /** The filters of the configuration, which files may be compressed with. */
  readonly custom?: CustomFilters | undefined;
  /** How long to wait for an archiver that is at work, in milliseconds; a minute unless given. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with how many files were looked at, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What was found. */
export interface RebuildXlogDbReport {
  readonly path: string;
  /** How many files of each kind are listed. */
  readonly counts: Readonly<Record<WalFileName['kind'], number>>;
  /** Paths of what does not belong into the archive, and is not listed. */
  readonly unexpected: readonly string[];
}

/** So many files are looked at side by side: more than the threads that wait for the disk. */
const sideBySide = 64;

/**
 * Makes the file anew; durable when this returns.
 * @throws {ArchiverBusyError} when an archiver is at work all the time
 * @throws {FileSystemError} then the old file is still there
 */
export async function rebuildXlogDb(options: RebuildXlogDbOptions): Promise<RebuildXlogDbReport> {
  const { serverName, walsDirectory, lockDirectory, patienceMs = 60_000, signal, onProgress } = options;
  await using locks = new AsyncDisposableStack();
  locks.use(await waitForLock(archiveLockPath(lockDirectory, serverName), patienceMs, signal));
  locks.use(await waitForLock(xlogDbLockPath(lockDirectory, serverName), patienceMs, signal));
  const path = await xlogDbPath(options);
  const { files, unexpected } = await filesInArchive(walsDirectory);
  const encrypted = await encryptedEntries(path);
  const counts = { segment: 0, partial: 0, backup: 0, history: 0 };
  let text = '';
  for (let at = 0; at < files.length; at += sideBySide) {
    signal?.throwIfAborted();
    onProgress?.(at, files.length);
    const group = files.slice(at, at + sideBySide);
    for (const found of await Promise.all(group.map((file) => describe(file, options.custom, encrypted)))) {
      if (found === undefined) continue;
      text += formatXlogDbLine(found.entry);
      counts[found.kind] += 1;
    }
  }
  await makeDirectories(dirname(path));
  await writeFileAtomic(path, text, { mode: 0o600 });
  return { path, counts, unexpected };
}

interface ArchivedFile {
  readonly name: WalFileName;
  readonly path: string;
}

interface ArchiveContent {
  /** Sorted by name. */
  readonly files: readonly ArchivedFile[];
  readonly unexpected: readonly string[];
}

/** Everything in the archive, at its place or not. An archive that nobody has made yet is empty. */
async function filesInArchive(walsDirectory: string): Promise<ArchiveContent> {
  const files: ArchivedFile[] = [];
  const unexpected: string[] = [];
  const sort = (directory: string, name: string, mayBe: (file: WalFileName) => boolean): void => {
    const path = join(directory, name);
    const file = tryParseWalFileName(name);
    if (file !== undefined && mayBe(file)) files.push({ name: file, path });
    else if (!name.startsWith('.')) unexpected.push(path);
  };
  for (const name of await namesIn(walsDirectory)) {
    if (name.endsWith('xlog.db')) continue;
    if (tryParseHashDirectory(name) === undefined) sort(walsDirectory, name, (file) => file.kind === 'history');
    else {
      const directory = join(walsDirectory, name);
      for (const inside of await namesIn(directory))
        sort(directory, inside, (file) => file.kind !== 'history' && inside.startsWith(name));
    }
  }
  return { files: files.toSorted((a, b) => (a.name.name < b.name.name ? -1 : 1)), unexpected };
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileSystemError('read the directory', directory, error);
  }
}

/** The lines of encrypted files, by name: Barman 3.14 writes them. A file that cannot be read as it should be has none. */
async function encryptedEntries(path: string): Promise<ReadonlyMap<string, XlogDbEntry>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw fileSystemError('read', path, error);
  });
  const entries = text.split('\n').map(tryParseXlogDbLine);
  return new Map(entries.flatMap((entry) => (entry?.encryption === undefined ? [] : [[entry.name, entry]])));
}

/** Undefined for a file that is gone meanwhile. */
async function describe(
  { name, path }: ArchivedFile,
  custom: CustomFilters | undefined,
  encrypted: ReadonlyMap<string, XlogDbEntry>,
): Promise<{ readonly kind: WalFileName['kind']; readonly entry: XlogDbEntry } | undefined> {
  await using content = await ContentFile.open(path, { custom });
  if (content === undefined) return undefined;
  const { size } = content;
  const known = encrypted.get(name.name);
  const { compression, encryption } = known?.size === size ? known : { compression: content.codec, encryption: undefined };
  const entry = { name: name.name, size, modifiedAt: secondsOf(content.stats.mtimeNs), compression, encryption };
  return { kind: name.kind, entry };
}
