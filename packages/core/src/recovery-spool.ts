/** Segments that are ready before a recovering server asks for them: where they are kept, and the process that provides them. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isNextSegmentThere, prefetch, Spool, type WalReadOptions } from '@walvault/archiver/reading';
import type { ServerConfig } from '@walvault/config';
import type { Logger } from '@walvault/wal';
import { readOptions } from './server-wal.ts';

/** Room for ready segments unless the user says otherwise, in bytes: 16 segments of the usual size. */
export const defaultPrefetchBytes: number = 256 * 1024 * 1024;

/** The file that a recovering server wants a segment in (RestoreArchivedFile, access/transam/xlogarchive.c). */
const wantedByRecovery = 'RECOVERYXLOG';

/** Name of the directory of all spools that is made below pg_wal. */
const spoolDirectoryName = '.walvault';

/** Where a recovering server has its spools unless the user says otherwise, seen from its data directory, where its restore_command runs. */
export const defaultSpoolDirectory: string = join('pg_wal', spoolDirectoryName);

/**
 * Where the spool of a server is below the directory of all spools. It has another name when anything is changed that decides from
 * where WAL is taken, so that nothing is ever found there that another configuration would give.
 */
export function spoolName(server: ServerConfig): string {
  const { wals, streaming, incoming } = server.directories;
  const facts = [
    server.configFile,
    server.name,
    wals,
    server.streamingArchiver ? streaming : null,
    server.archiver ? incoming : null,
  ];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
}

/** Whether this system can hand over from a spool: the way to ready files leads through Linux's /proc (see `Spool`). */
export function canPrefetch(): boolean {
  return existsSync('/proc/self/fd');
}

/**
 * The spool for a request of a recovering server; undefined for any other request: pg_rewind, for one, asks for other files, in another
 * order, and would stumble over files that come and go in the directory that it works on.
 * @param directory of all spools; unless given, below the directory of `destination`
 * @throws {SpoolError} when somebody else could put files there
 * @throws {FileSystemError} when it cannot be made
 */
export async function recoverySpool(
  server: ServerConfig,
  destination: string,
  directory: string | undefined,
): Promise<Spool | undefined> {
  if (basename(destination) !== wantedByRecovery || !canPrefetch()) return undefined;
  return Spool.open(join(directory ?? join(dirname(destination), spoolDirectoryName), spoolName(server)));
}

/** Whether behind a segment there is another one to prefetch. @throws what reading the archive throws */
export async function isWorthPrefetching(server: ServerConfig, name: string): Promise<boolean> {
  return isNextSegmentThere(await readOptions(server), name);
}

/** What {@link runPrefetcher} works on. */
export interface PrefetcherOptions {
  /** Reads the configuration anew. */
  readonly server: () => Promise<ServerConfig>;
  /** Of the spool itself. */
  readonly spoolDirectory: string;
  readonly bytes: number;
  readonly log: Logger;
}

/**
 * Provides segments until nobody asks any more, the configuration is another one, or `signal` is aborted.
 * @returns `busy` when another process does that for this spool
 * @throws {SpoolError | FileSystemError} when the spool cannot be used
 */
export async function runPrefetcher(options: PrefetcherOptions, signal: AbortSignal): Promise<'done' | 'busy'> {
  const { spoolDirectory, bytes, log } = options;
  const spool = await Spool.open(spoolDirectory);
  const reading = async (): Promise<WalReadOptions | undefined> => {
    const server = await options.server();
    return spoolName(server) === basename(spool.directory) ? await readOptions(server) : undefined;
  };
  return prefetch({ spool, reading, bytes, log }, signal);
}
