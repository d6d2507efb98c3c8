/** What the directories hold, by name only. A directory that is given and cannot be read is an error, never "nothing there". */
import { join } from 'node:path';
import { type Disk, errnoOf, FileSystemError, readDirectory } from '@walvault/durable-fs';
import { tryParseWalFileName, type WalFileName } from '@walvault/wal';
import { type HashDirectory, tryParseHashDirectory, type WalDirectories } from './layout.ts';

/** The names in a directory, sorted. @throws {FileSystemError} */
export async function namesIn(directory: string, disk?: Disk): Promise<readonly string[]> {
  return (await readDirectory(directory, disk)).map(({ name }) => name).toSorted();
}

/** The names in a directory, sorted; none when it is not there. @throws {FileSystemError} */
export async function namesIfAny(directory: string): Promise<readonly string[]> {
  try {
    return await namesIn(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The WAL files in a flat directory, sorted by name. @throws {FileSystemError} */
export async function walFilesIn(directory: string, disk?: Disk): Promise<readonly WalFileName[]> {
  return parsed(await namesIn(directory, disk));
}

/** The history files in a flat directory, sorted by name. @throws {FileSystemError} */
export async function historyFilesIn(directory: string, disk?: Disk): Promise<readonly WalFileName[]> {
  return historiesAmong(await namesIn(directory, disk));
}

/** The WAL files that wait to be archived, of streaming first, then of incoming. @throws {FileSystemError} */
export async function waitingFiles(directories: WalDirectories): Promise<readonly WalFileName[]> {
  const streaming = directories.streaming === undefined ? [] : await walFilesIn(directories.streaming);
  const incoming = directories.incoming === undefined ? [] : await walFilesIn(directories.incoming);
  return [...streaming, ...incoming];
}

/** What lies directly in the archive: its directories, and its history files. @throws {FileSystemError} */
export async function archiveRoot(
  walsDirectory: string,
  disk?: Disk,
): Promise<{ readonly hashDirectories: readonly HashDirectory[]; readonly histories: readonly WalFileName[] }> {
  const names = await namesIn(walsDirectory, disk);
  return {
    hashDirectories: names.map(tryParseHashDirectory).filter((directory) => directory !== undefined),
    histories: historiesAmong(names),
  };
}

/** The WAL files in one directory of the archive, sorted by name. One that was removed meanwhile has none. @throws {FileSystemError} */
export async function archivedFilesIn(
  walsDirectory: string,
  hashDirectory: HashDirectory,
  disk?: Disk,
): Promise<readonly WalFileName[]> {
  try {
    return await walFilesIn(join(walsDirectory, hashDirectory.name), disk);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Whether an error says that a path is not there, and not that it cannot be read or is something else. */
export function isMissing(error: unknown): boolean {
  return error instanceof FileSystemError && errnoOf(error.cause) === 'ENOENT';
}

/** Looks only at names that may be such: there may be a hundred thousand others. */
function historiesAmong(names: readonly string[]): readonly WalFileName[] {
  return parsed(names.filter((name) => name.endsWith('.history')));
}

function parsed(names: readonly string[]): readonly WalFileName[] {
  return names.map(tryParseWalFileName).filter((file) => file !== undefined);
}
