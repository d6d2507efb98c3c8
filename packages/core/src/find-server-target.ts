/** Finds a recovery target in the WAL of a server, and says whether and how it can be reached. */
import {
  type CatalogError,
  type FindRequest,
  findTarget,
  FindableWal,
  type FoundRestorePoint,
  judgeReachability,
  type Reachability,
  type RecoveryAction,
  type RecoverySettings,
  recoverySettings,
  type TargetFinding,
  type UnreadableBackup,
} from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { majorOfPageMagic, type WalFault, type WalvaultError } from '@walvault/wal';
import { listServerBackups } from './base-backups.ts';
import { CoreError } from './errors.ts';
import { catalogPath } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/** How to look. */
export interface FindOptions {
  /** Called before a segment is read that the catalogue does not know. */
  readonly onRead?: ((name: string, done: number, total: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/** What to look for, and what to write when it is found. */
export interface FindTargetOptions extends FindOptions {
  readonly request: FindRequest;
  /** Makes the line with `restore_command`, for one that gives out incomplete segments or not. */
  readonly restoreCommandLine: (partial: boolean) => string;
  readonly action: RecoveryAction;
}

/** What was seen of the catalogue and the files on the way. */
export interface FindCircumstances {
  /** Why the catalogue was of no use, if it was not. */
  readonly catalogError: CatalogError | undefined;
  /** How many segments of the archive were read because it does not know them. */
  readonly segmentsRead: number;
  /** Segments that could not be read, and that were read and are not right, by name. */
  readonly unreadable: ReadonlyMap<string, WalvaultError>;
  readonly faults: ReadonlyMap<string, WalFault>;
}

/** What was found. */
export interface ServerTarget extends FindCircumstances {
  readonly found: TargetFinding;
  /** Undefined when the target was not found. */
  readonly reachability: Reachability | undefined;
  readonly settings: RecoverySettings | undefined;
  readonly unreadableBackups: readonly UnreadableBackup[];
}

/**
 * Finds a target.
 * @throws {CoreError} `ERR_NO_WAL` when there is no segment at all; @throws {FinderError} `ERR_TIMELINE_UNKNOWN`
 * @throws {FileSystemError} when something cannot be read; @throws {WalFileError} when the segment with the target is damaged
 */
export async function findServerTarget(server: ServerConfig, options: FindTargetOptions): Promise<ServerTarget> {
  using wal = await openServerWalToSearch(server, options);
  const { request, restoreCommandLine, action } = options;
  const { backups, unreadable } = await listServerBackups(server);
  const found = await findTarget(wal, request);
  const { place, others } = found;
  if (place === undefined)
    return { ...circumstances(wal), found, reachability: undefined, settings: undefined, unreadableBackups: unreadable };
  const reachability = judgeReachability(wal, place, backups);
  const settings = recoverySettings({
    request,
    place,
    others,
    backup: reachability.backup,
    major: await majorAt(wal, place.segmentName),
    restoreCommandLine: restoreCommandLine(place.isInPartial),
    action,
  });
  return { ...circumstances(wal), found, reachability, settings, unreadableBackups: unreadable };
}

/** Restore points, and how they were found. */
export interface ServerRestorePoints extends FindCircumstances {
  /** In order of LSN; each once, on the timeline that it belongs to. */
  readonly restorePoints: readonly FoundRestorePoint[];
}

/** Lists all named restore points. @throws as {@link findServerTarget} */
export async function listServerRestorePoints(server: ServerConfig, options: FindOptions): Promise<ServerRestorePoints> {
  using wal = await openServerWalToSearch(server, options);
  const restorePoints = await wal.restorePoints();
  return { ...circumstances(wal), restorePoints };
}

async function openServerWalToSearch(server: ServerConfig, options: FindOptions): Promise<FindableWal> {
  const reading = await readOptions(server);
  const wal = await FindableWal.open({ ...options, reading, catalogPath: catalogPath(server) });
  if (wal !== undefined) return wal;
  throw new CoreError('ERR_NO_WAL', `there is no WAL of server ${server.name} to search in`, {
    hint: `Segments are looked for in "${reading.directories.wals}" and in the directories that feed it. Check that its file system is mounted.`,
  });
}

async function majorAt(wal: FindableWal, segmentName: string): Promise<number | undefined> {
  const magic = await wal.magicOf(segmentName);
  return magic === undefined ? undefined : majorOfPageMagic(magic);
}

function circumstances(wal: FindableWal): FindCircumstances {
  const { catalogError, segmentsRead, unreadable, scanner } = wal;
  return { catalogError, segmentsRead, unreadable, faults: scanner.faults };
}
