/** switch-wal --archive: waits until WAL is in the archive, and archives it where nobody else does. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { archivePath, readXlogDb, xlogDbPath } from '@walvault/archiver/archiving';
import type { ServerConfig } from '@walvault/config';
import { fileSystemError, errnoOf } from '@walvault/durable-fs';
import { parseWalFileName, tryParseWalFileName } from '@walvault/wal';
import { archiveServer, type ArchiveServerOptions } from '../archive-server.ts';

/** How to wait. */
export interface AwaitArchivedOptions extends Pick<ArchiveServerOptions, 'signal' | 'configFile' | 'log' | 'onFile'> {
  readonly timeoutMs: number;
}

const pauseMs = 100;

/**
 * Waits until a segment is in the archive, durably.
 * @param name of the segment; without it any segment that was not in the archive before will do
 * @returns its name, or undefined when the time is up
 * @throws what `archiveServer` throws
 */
export async function awaitArchived(
  server: ServerConfig,
  name: string | undefined,
  options: AwaitArchivedOptions,
): Promise<string | undefined> {
  const arrived =
    name === undefined ? await newArrival(server) : async () => ((await isArchived(server, name)) ? name : undefined);
  for (const deadline = performance.now() + options.timeoutMs; ; await sleep(pauseMs, undefined, { signal: options.signal })) {
    // Another process that archives for the server has its way: this one then finds it busy.
    if (name === undefined || (await isWaiting(server, name))) await archiveServer(server, options);
    const found = await arrived();
    if (found !== undefined || performance.now() > deadline) return found;
  }
}

/** It is at its place, and its source is gone, which it is not before the copy is durable. */
async function isArchived(server: ServerConfig, name: string): Promise<boolean> {
  return (await isAt(archivePath(server.directories.wals, parseWalFileName(name)))) && !(await isWaiting(server, name));
}

async function isWaiting({ directories: { streaming, incoming } }: ServerConfig, name: string): Promise<boolean> {
  return (await isAt(join(streaming, name))) || (await isAt(join(incoming, name)));
}

/** Asks for a segment that is noted in xlog.db and was not when this was called. */
async function newArrival(server: ServerConfig): Promise<() => Promise<string | undefined>> {
  const before = new Set(await archivedSegments(server));
  return async () => (await archivedSegments(server)).find((name) => !before.has(name));
}

async function archivedSegments({ name, directories: { wals }, xlogdbDirectory }: ServerConfig): Promise<readonly string[]> {
  const path = await xlogDbPath({ serverName: name, walsDirectory: wals, xlogDbDirectory: xlogdbDirectory });
  const entries = await readXlogDb(path);
  return entries.map((entry) => entry.name).filter((file) => tryParseWalFileName(file)?.kind === 'segment');
}

async function isAt(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fileSystemError('look for', path, error);
  }
}
