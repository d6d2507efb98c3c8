/**
 * What there is to know of a directory that walvault writes to, found out without leaving anything in it: where the system can make
 * a file that has no name (Linux, O_TMPFILE), some bytes are really written, into nothing that anybody could find.
 */
import { access, constants, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import type { ReportedError } from '../receiver-state.ts';
import { reportError } from '../state-publisher.ts';

/** A directory. */
export interface DirectoryFacts {
  /** The option that names it. */
  readonly option: string;
  readonly path: string;
  /** Undefined when it is not there, or cannot be looked at. */
  readonly stats: { readonly uid: number; readonly mode: number; readonly isDirectory: boolean } | undefined;
  /** Of its file system, or that of the directory above that is there. */
  readonly space: SpaceFacts | undefined;
  /** Why nothing can be written to it, or, when it is not there, why it cannot be made. */
  readonly trouble: ReportedError | undefined;
}

/** The room on a file system for who is not root. */
export interface SpaceFacts {
  readonly device: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Whether a file more can be made: some file systems run out of inodes first, and some do not count them. */
  readonly hasInodes: boolean;
}

/** The directories of a server that are used as it is configured. */
export function usedDirectories(server: ServerConfig): readonly (readonly [option: string, path: string])[] {
  const { backup, streaming, incoming, wals, errors } = server.directories;
  return [
    ['backup_directory', backup],
    ...(server.streamingArchiver ? [['streaming_wals_directory', streaming] as const] : []),
    ...(server.archiver ? [['incoming_wals_directory', incoming] as const] : []),
    ['wals_directory', wals],
    ['errors_directory', errors],
    ['barman_lock_directory', server.lockDirectory],
  ];
}

/** Looks at one of them. Never rejects. */
export async function lookAtDirectory(option: string, path: string): Promise<DirectoryFacts> {
  try {
    const facts = await stat(path);
    const stats = { uid: facts.uid, mode: facts.mode & 0o7777, isDirectory: facts.isDirectory() };
    const space = await spaceAt(path).catch(() => undefined);
    return { option, path, stats, space, trouble: await troubleOf(() => tryWriting(path), 'write to', path) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return await notThere(option, path);
    const trouble = reportError(fileSystemError('look at', path, error));
    return { option, path, stats: undefined, space: undefined, trouble };
  }
}

/** What is not there is made by whoever needs it first, if that can be. */
async function notThere(option: string, path: string): Promise<DirectoryFacts> {
  const above = await nearestAbove(path);
  const space = await spaceAt(above).catch(() => undefined);
  return { option, path, stats: undefined, space, trouble: await troubleOf(() => tryWriting(above), 'make', path) };
}

async function nearestAbove(path: string): Promise<string> {
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    if (await stat(above).catch(() => undefined)) return above;
  }
  return '/';
}

async function troubleOf(work: () => Promise<void>, action: string, path: string): Promise<ReportedError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return reportError(fileSystemError(action, path, error));
  }
}

/** __O_TMPFILE of Linux, which Node has no name for. */
const temporaryFile = 0o20000000;
/** More than a file can hold in its inode. */
const probe = Buffer.alloc(64 * 1024, 0xff);

/** Writes into a file without a name, and forgets it. Where there are none, the rights must be enough. @throws {NodeJS.ErrnoException} */
export async function tryWriting(directory: string): Promise<void> {
  await access(directory, constants.W_OK | constants.X_OK);
  if (process.platform !== 'linux') return;
  const flags = temporaryFile | constants.O_DIRECTORY | constants.O_WRONLY;
  const file = await open(directory, flags, 0o600).catch((error: unknown) => {
    if (['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });
  try {
    await file?.writeFile(probe);
  } finally {
    await file?.close();
  }
}

async function spaceAt(path: string): Promise<SpaceFacts> {
  const [{ dev: device }, { bavail, bsize, blocks, files, ffree }] = await Promise.all([stat(path), statfs(path)]);
  return { device, freeBytes: bavail * bsize, totalBytes: blocks * bsize, hasInodes: files === 0 || ffree > 0 };
}
