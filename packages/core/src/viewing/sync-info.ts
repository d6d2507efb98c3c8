/**
 * sync-info: what the archive has that a copy of it, which has come to some file, does not have yet; in the form that a passive Barman
 * asks for.
 */
import { type PlacedXlogDbEntry, readXlogDbFrom, xlogDbPath, type XlogDbEntry } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { listServerBackups } from '../base-backups.ts';
import { CoreError } from '../errors.ts';

/** How far the copy is. */
export interface SyncPosition {
  /** Name of the last file that it has; undefined when it has none. */
  readonly lastWal: string | undefined;
  /** Where the line of that file began in xlog.db when it was told. */
  readonly lastPosition: number | undefined;
}

/** What comes next. */
export interface SyncInfo {
  /** Of the last line: to be given the next time. Without any line the name is empty and the position 0. */
  readonly lastName: string;
  readonly lastPosition: number;
  /** In the order of archiving. */
  readonly wals: readonly XlogDbEntry[];
}

/**
 * The files behind a position. A copy that has nothing is not told of what is older than the first base backup.
 * @throws {CoreError} `ERR_SYNC_POSITION` when the archive does not go back, or on, to the file that the copy has
 * @throws {XlogDbError} on a line of xlog.db that is none
 */
export async function syncInfo(server: ServerConfig, position: SyncPosition): Promise<SyncInfo> {
  const path = await xlogDbPath({
    serverName: server.name,
    walsDirectory: server.directories.wals,
    xlogDbDirectory: server.xlogdbDirectory,
  });
  const wals = await entriesBehind(path, server, position);
  const last = wals.last;
  return { lastName: last?.name ?? '', lastPosition: last?.position ?? 0, wals: wals.new };
}

interface Entries {
  readonly new: readonly XlogDbEntry[];
  /** Last line of the file. */
  readonly last: PlacedXlogDbEntry | undefined;
}

async function entriesBehind(path: string, server: ServerConfig, { lastWal, lastPosition }: SyncPosition): Promise<Entries> {
  if (lastWal !== undefined && lastPosition !== undefined) {
    // Lines are in the order of archiving, which need not be that of the names.
    const [known, ...rest] = await readXlogDbFrom(path, lastPosition);
    if (known?.name === lastWal) return { new: rest, last: rest.at(-1) ?? known };
  }
  const all = await readXlogDbFrom(path, 0);
  const last = all.at(-1);
  if (lastWal === undefined) {
    const firstUseful = await firstBackupWal(server);
    return { new: all.filter(({ name }) => firstUseful === undefined || name >= firstUseful), last };
  }
  refuseOutOfReach(lastWal, all);
  return { new: all.filter(({ name }) => name > lastWal), last };
}

async function firstBackupWal(server: ServerConfig): Promise<string | undefined> {
  const { backups } = await listServerBackups(server);
  return backups.find(({ status }) => status === 'DONE')?.begin?.walName;
}

/** A copy that would have a hole, or that is of something else, must begin anew. */
function refuseOutOfReach(lastWal: string, all: readonly XlogDbEntry[]): void {
  const [first] = all;
  const newest = all.map(({ name }) => name).reduce((a, b) => (a > b ? a : b), '');
  const hint = 'Ask without a WAL file: the copy has to begin anew.';
  if (first !== undefined && lastWal < first.name) {
    const message = `last_wal '${lastWal}' is older than the first available wal '${first.name}'`;
    throw new CoreError('ERR_SYNC_POSITION', message, { hint });
  }
  if (first !== undefined && lastWal > newest) {
    throw new CoreError('ERR_SYNC_POSITION', `last_wal '${lastWal}' is newer than the last available wal '${newest}'`, { hint });
  }
}
