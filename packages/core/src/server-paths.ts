/** Where the files of a server are. Names of lock files and of identity.json are Barman's. */
import { access, constants, type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ServerConfig } from '@walvault/config';
import { fileSystemError, makeDirectories } from '@walvault/durable-fs';

/** Tasks that at most one process at a time does for a server. The last ones are Barman's alone. */
export const serverTasks = [
  'receive-wal',
  'archive-wal',
  'cron',
  'delete-wal',
  'heal-wal',
  'rebuild-catalog',
  'run',
  'verify-wal',
  'backup',
  'sync-wal',
] as const;

/** A task that at most one process at a time does for a server. */
export type ServerTask = (typeof serverTasks)[number];

/** The lock file of a task. */
export function lockPath(server: ServerConfig, task: ServerTask): string {
  return join(server.lockDirectory, `.${server.name}-${task}.lock`);
}

/** The cluster that the server's directories belong to. */
export function identityPath(server: ServerConfig): string {
  return join(server.directories.backup, 'identity.json');
}

/** The record of holes. */
export function holesPath(server: ServerConfig): string {
  return join(server.directories.backup, 'holes.json');
}

/** The catalogue of the archive. */
export function catalogPath(server: ServerConfig): string {
  return join(server.directories.backup, 'walvault.sqlite');
}

/** The record of how far WAL was deleted by retention. */
export function deletionRecordPath(server: ServerConfig): string {
  return join(server.directories.backup, 'deleted-wal.json');
}

/** The record of the base backups that were there when WAL was deleted last. */
export function knownBackupsPath(server: ServerConfig): string {
  return join(server.directories.backup, 'known-backups.json');
}

/** Where segments that were streamed again wait to be archived. */
export function healingDirectory(server: ServerConfig): string {
  return join(server.directories.backup, 'healing');
}

/** How far verify-wal has come. */
export function verifyStatePath(server: ServerConfig): string {
  return join(server.directories.backup, 'verify-wal.json');
}

/** The published state of the receiver. */
export function statePath(server: ServerConfig): string {
  return join(server.directories.backup, 'receive-wal.json');
}

/** What `run` publishes of the server. */
export function runStatePath(server: ServerConfig): string {
  return join(server.directories.backup, 'run.json');
}

/** Where a receiver in the background writes its log, unless `log_file` says otherwise. */
export function receiverLogPath(server: ServerConfig): string {
  return server.logFile ?? join(server.directories.backup, 'receive-wal.log');
}

/** Whether there is something at a path, as far as one can see. */
export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the directories that a task writes to, durably, and makes sure that it may: better now than when the first byte is there.
 * @throws {FileSystemError} when one cannot be made, or written to
 */
export async function ensureDirectories(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await makeDirectories(path, { mode: 0o700 });
    await access(path, constants.W_OK | constants.X_OK).catch((error: unknown) => {
      throw fileSystemError('write to', path, error);
    });
  }
}

/**
 * Opens the log of a receiver for appending (0640), with the directory it is in. The caller closes it.
 * @throws {FileSystemError} when that cannot be done
 */
export async function openReceiverLog(path: string): Promise<FileHandle> {
  await ensureDirectories(dirname(path));
  return open(path, 'a', 0o640).catch((error: unknown) => {
    throw fileSystemError('open', path, error);
  });
}
