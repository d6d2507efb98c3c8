/** How much room there is for WAL on this machine, and for how long it lasts at the rate of the last day. */
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { XlogDbEntry } from '@walvault/archiver/observing';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { catalogPath } from '../server-paths.ts';

/** The room in one file system. */
export interface DiskSpace {
  /** The directory in it that WAL goes to. */
  readonly path: string;
  /** What we may still write there. */
  readonly freeBytes: number;
  /** By how much the archive has grown in an hour of the last day, less what was deleted; 0 for a directory that WAL only passes through. */
  readonly bytesPerHour: number;
  /** How long the room lasts at that rate; undefined when it is not being used up. */
  readonly hoursLeft: number | undefined;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * The file systems of the archive and, where it is another one, of the streaming directory.
 * @param entries the list of the archive
 * @throws {FileSystemError} when one cannot be looked at
 */
export async function diskSpaces(
  server: ServerConfig,
  entries: readonly XlogDbEntry[],
  nowMs: number = Date.now(),
): Promise<readonly DiskSpace[]> {
  const { wals, streaming } = server.directories;
  const [archive, received] = [await nearest(wals), await nearest(streaming)];
  const bytesPerHour = await growth(server, entries, nowMs);
  const spaces = [await spaceAt(wals, archive.path, bytesPerHour)];
  return archive.device === received.device ? spaces : [...spaces, await spaceAt(streaming, received.path, 0)];
}

async function spaceAt(path: string, existing: string, bytesPerHour: number): Promise<DiskSpace> {
  const { bavail, bsize } = await statfs(existing);
  const freeBytes = bavail * bsize;
  return { path, freeBytes, bytesPerHour, hoursLeft: bytesPerHour > 0 ? freeBytes / bytesPerHour : undefined };
}

/** A directory, or, as long as it is not there, the one above that is. */
async function nearest(path: string): Promise<{ readonly path: string; readonly device: number }> {
  try {
    return { path, device: (await stat(path)).dev };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw fileSystemError('look at', path, error);
    return nearest(dirname(path));
  }
}

/** Of a young archive all its time counts, but at least an hour: what it began with came all at once. */
async function growth(server: ServerConfig, entries: readonly XlogDbEntry[], nowMs: number): Promise<number> {
  const fromMs = nowMs - dayMs;
  const times = entries.map(({ modifiedAt }) => modifiedAt * 1000);
  const oldestMs = times.reduce((least, time) => Math.min(least, time), nowMs);
  const hours = Math.max(hourMs, nowMs - Math.max(oldestMs, fromMs)) / hourMs;
  const archived = entries.reduce((sum, { size, modifiedAt }) => sum + (modifiedAt * 1000 >= fromMs ? size : 0), 0);
  return (archived - (await deletedSince(server, fromMs))) / hours;
}

/** Bytes that retention has deleted. Without a catalogue nothing is known to be. */
async function deletedSince(server: ServerConfig, fromMs: number): Promise<number> {
  const { Catalog, CatalogError } = await import('@walvault/archiver/verifying');
  try {
    using catalog = Catalog.open(catalogPath(server), { readOnly: true });
    const deletions = catalog.records.deletions(100_000).filter(({ deletedAt }) => deletedAt >= fromMs);
    return deletions.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return 0;
  }
}
