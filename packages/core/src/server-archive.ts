/** What the archive of a server holds, as a whole. */
import { type ArchiveListing, listArchive, openWal } from '@walvault/archiver/observing';
import type { ServerConfig } from '@walvault/config';
import {
  type Lsn,
  parseWalFileName,
  segmentEndLsn,
  segmentNumberOfName,
  type TimelineId,
  type WalSegmentSize,
} from '@walvault/wal';
import { customFiltersOf } from './compression-of.ts';
import { readOptions } from './server-wal.ts';

/** What the archive of a server holds and lacks, by the names of the files. */
export async function listServerArchive(server: ServerConfig): Promise<ArchiveListing> {
  return listArchive(await readOptions(server));
}

/**
 * Where the archive of a server ends: behind the last complete segment of its newest timeline; undefined when it holds none.
 * @throws {WalFileError} `ERR_WAL_FILE_FOREIGN` when that segment is of another cluster
 */
export async function archiveEnd(
  server: ServerConfig,
  cluster: { readonly walSegmentSize: WalSegmentSize; readonly systemIdentifier: bigint },
): Promise<{ readonly timelineId: TimelineId; readonly lsn: Lsn } | undefined> {
  // Only the archive itself counts: what waits elsewhere may have come by another way, and its directory need not be there.
  const archive = { directories: { wals: server.directories.wals, custom: customFiltersOf(server) }, ...cluster };
  const { timelines } = await listArchive(archive);
  const newest = timelines.findLast((timeline) => timeline.last !== undefined)?.last;
  const file = newest === undefined ? undefined : parseWalFileName(newest);
  if (file === undefined || file.kind !== 'segment') return undefined;
  await using wal = await openWal(archive, file.name);
  // The first page tells the cluster, and is checked before the first bytes come.
  const bytes = wal?.bytes();
  await bytes?.next();
  await bytes?.return();
  const segment = segmentNumberOfName(file, cluster.walSegmentSize);
  return { timelineId: file.timelineId, lsn: segmentEndLsn(segment, cluster.walSegmentSize) };
}
