/** What a server has of WAL here: list it, take from it. */
import {
  type ArchivedWal,
  type ArchiveListing,
  listArchive,
  openWal,
  peekWal,
  type OpenWalChoices,
  type WalReadOptions,
  xlogDbPath,
} from '@walvault/archiver/reading';
import type { ServerConfig } from '@walvault/config';
import { readIdentity } from '@walvault/receiver/identity';
import {
  addToLsn,
  type Lsn,
  parseLsn,
  parseWalFileName,
  segmentEndLsn,
  segmentNumberOfName,
  type TimelineId,
  toTimelineId,
  toWalSegmentSize,
  walFileNameAt,
  type WalSegmentSize,
} from '@walvault/wal';
import { customFiltersOf } from './compression-of.ts';
import { readReceiverState } from './receiver-state.ts';
import { catalogPath, deletionRecordPath, identityPath, statePath } from './server-paths.ts';

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

/** Opens a WAL file of a server, wherever it is on its way; undefined when it is nowhere. See `openWal`. */
export async function openServerWal(
  server: ServerConfig,
  name: string,
  choices: OpenWalChoices,
): Promise<ArchivedWal | undefined> {
  return openWal(await readOptions(server), name, choices);
}

/** The names of WAL files of a server that follow one another, from `name` on; see `peekWal`. */
export async function* peekServerWal(server: ServerConfig, name: string, count: number): AsyncGenerator<string, void, undefined> {
  yield* peekWal(await readOptions(server), name, count);
}

/** Where the WAL of a server is looked for. The streaming and incoming directories are looked into where they are used: another one need not be there. */
export async function readOptions(server: ServerConfig): Promise<WalReadOptions> {
  const { wals, streaming, incoming } = server.directories;
  return {
    directories: {
      wals,
      streaming: server.streamingArchiver ? streaming : undefined,
      incoming: server.archiver ? incoming : undefined,
      custom: customFiltersOf(server),
    },
    systemIdentifier: await systemIdentifierOf(server),
    xlogDbPath: await xlogDbPath({ serverName: server.name, walsDirectory: wals, xlogDbDirectory: server.xlogdbDirectory }),
    catalogPath: catalogPath(server),
    deletionRecordPath: deletionRecordPath(server),
    receivedThrough: await receivedThrough(server),
  };
}

/** The last segment that the receiver has made bytes of durable, as its state says. */
export async function receivedThrough(server: ServerConfig): Promise<string | undefined> {
  const state = await readReceiverState(statePath(server));
  if (state === undefined) return undefined;
  const { flushedLsn, startLsn, timelineId, walSegmentSize } = state;
  // A state of an earlier version may lack some.
  if (flushedLsn == null || startLsn == null || timelineId == null || walSegmentSize == null) return undefined;
  const flushed = parseLsn(flushedLsn);
  // What a stream that has brought nothing yet stands at need not have come from it.
  if (flushed <= parseLsn(startLsn)) return undefined;
  return walFileNameAt(toTimelineId(timelineId), addToLsn(flushed, -1), toWalSegmentSize(walSegmentSize));
}

/** The cluster that the server's directories belong to, as far as it is known. */
export async function systemIdentifierOf(server: ServerConfig): Promise<bigint | undefined> {
  return (await readIdentity(identityPath(server)))?.systemIdentifier;
}
