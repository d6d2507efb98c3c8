/** What a server has of WAL here: take from it. */
import { stat } from 'node:fs/promises';
import {
  type ArchivedWal,
  openWal,
  type OpenWalChoices,
  peekWal,
  type WalReadOptions,
  xlogDbPath,
} from '@walvault/archiver/getting';
import type { ServerConfig } from '@walvault/config';
import { errnoOf } from '@walvault/durable-fs';
import { readIdentity } from '@walvault/receiver/identity';
import { addToLsn, type Lsn, parseLsn, toTimelineId, toWalSegmentSize, walFileNameAt } from '@walvault/wal';
import { customFiltersOf } from './compression-of.ts';
import { readReceiverState } from './receiver-state.ts';
import { catalogPath, deletionRecordPath, identityPath, statePath } from './server-paths.ts';

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

/**
 * Where the WAL of a server is looked for. The streaming and incoming directories are looked into where they are used, and where they
 * are there: an archiver that is switched off now may have left something.
 */
export async function readOptions(server: ServerConfig): Promise<WalReadOptions> {
  const { wals, streaming, incoming } = server.directories;
  return {
    directories: {
      wals,
      streaming: server.streamingArchiver || (await isAnythingAt(streaming)) ? streaming : undefined,
      incoming: server.archiver || (await isAnythingAt(incoming)) ? incoming : undefined,
      custom: customFiltersOf(server),
    },
    systemIdentifier: await systemIdentifierOf(server),
    xlogDbPath: await xlogDbPath({ serverName: server.name, walsDirectory: wals, xlogDbDirectory: server.xlogdbDirectory }),
    catalogPath: catalogPath(server),
    deletionRecordPath: deletionRecordPath(server),
    ...(await received(server)),
  };
}

/** What cannot be looked at is there: reading it will tell. */
async function isAnythingAt(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT',
  );
}

/** The last segment that the receiver has made bytes of durable, as its state says. */
export async function receivedThrough(server: ServerConfig): Promise<string | undefined> {
  return (await received(server))?.receivedThrough;
}

/** The first and the last segment of what the receiver has made durable since it connected last. */
async function received(server: ServerConfig): Promise<{ receivedFrom: string; receivedThrough: string } | undefined> {
  const state = await readReceiverState(statePath(server));
  if (state === undefined) return undefined;
  const { flushedLsn, startLsn, timelineId, walSegmentSize } = state;
  // A state of an earlier version may lack some.
  if (flushedLsn == null || startLsn == null || timelineId == null || walSegmentSize == null) return undefined;
  const flushed = parseLsn(flushedLsn);
  // What a stream that has brought nothing yet stands at need not have come from it.
  const start = parseLsn(startLsn);
  if (flushed <= start) return undefined;
  const nameAt = (lsn: Lsn): string => walFileNameAt(toTimelineId(timelineId), lsn, toWalSegmentSize(walSegmentSize));
  return { receivedFrom: nameAt(start), receivedThrough: nameAt(addToLsn(flushed, -1)) };
}

/** The cluster that the server's directories belong to, as far as it is known. */
export async function systemIdentifierOf(server: ServerConfig): Promise<bigint | undefined> {
  return (await readIdentity(identityPath(server)))?.systemIdentifier;
}
