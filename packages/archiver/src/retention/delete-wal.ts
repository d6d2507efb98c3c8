/**
 * delete-wal: what the retention policy lets go is deleted from the archive.
 *
 *   plan -> on record that it goes -> remove the files, oldest first -> xlog.db -> catalogue
 *
 * All of it is done under the lock of the archiver, so that nobody puts files into the archive, or replaces one, meanwhile.
 * After a crash at any step the next run comes to the same end: the files say what is left, and xlog.db and the catalogue are
 * freed of what is not there and not needed.
 */
import { type FileLock, lockOwner, tryLock } from '@walvault/durable-fs';
import { type Logger, silentLogger, tryParseWalFileName, type WalSegmentSize, WalvaultError } from '@walvault/wal';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { ArchiverBusyError } from '../errors.ts';
import type { HookOptions, HookScripts } from '../hooks/run-scripts.ts';
import { archiveLockPath, type WalDirectories, xlogDbLockPath } from '../wal-files/layout.ts';
import { listArchive, type WalHole } from '../wal-files/list-archive.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { readXlogDb, XlogDb, xlogDbPath } from '../wal-files/xlog-db.ts';
import type { XlogDbEntry } from '../wal-files/xlog-db-line.ts';
import { segmentSizeAmong } from '../wal-files/segment-size-among.ts';
import { agedFiles } from './aged-files.ts';
import { recordDeletion } from './deletion-record.ts';
import { type AgedFile, type NeededBackup, planRetention, type RetentionPlan, type WalRetention } from './plan-retention.ts';
import { FileRemover, type RemovedFile } from './remove-files.ts';

/** What to delete, and with what. */
export interface DeleteWalOptions extends ClusterFacts {
  readonly serverName: string;
  readonly configFile?: string | undefined;
  readonly directories: WalDirectories;
  /** `barman_lock_directory` */
  readonly lockDirectory: string;
  /** `xlogdb_directory`, if it is set. */
  readonly xlogDbDirectory?: string | undefined;
  /** File that says how far WAL was deleted; see `readDeletionRecord`. */
  readonly recordPath: string;
  readonly policy: WalRetention;
  /** The base backups that are known; asked for when nothing can change in the archive any more. */
  readonly backups: () => Promise<readonly NeededBackup[]>;
  readonly catalog?: DeletionCatalog | undefined;
  readonly hooks?: HookScripts | undefined;
  readonly hookOptions?: Omit<HookOptions, 'subject'> | undefined;
  /** Only say what would go. */
  readonly dryRun?: boolean | undefined;
  /** In milliseconds since 1970; the clock of this machine unless given. */
  readonly now?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  readonly onFile?: ((file: RemovedFile) => void) | undefined;
}

/** What the catalogue does here. It may fail: then the archive is right and the catalogue is to be rebuilt. */
export interface DeletionCatalog {
  /** Time of the last commit of each segment, in microseconds since 1970. */
  lastCommits(): ReadonlyMap<string, bigint>;
  /** The files are gone. */
  forget(files: readonly RemovedFile[]): void;
}

/** What was done, or would be. */
export interface DeleteReport extends Pick<RetentionPlan, 'blockedBy' | 'oldestBackup' | 'windowStart'> {
  /** What is gone; in a dry run what would be. */
  readonly removed: readonly RemovedFile[];
  /** The file whose pre_wal_delete_retry_script said stop; it and what comes after it is still there. */
  readonly stoppedAt: string | undefined;
  /** What is missing between the files that stay. */
  readonly holes: readonly WalHole[];
  /** Why the catalogue does not know of it. */
  readonly catalogFailure: unknown;
}

/**
 * Deletes what the policy lets go.
 * @throws {ArchiverBusyError} when another archiver is at work on this server
 * @throws {FileSystemError} when something cannot be read or removed; what was removed before is gone, and noted as such
 * @throws {WalFileError} when a history file is damaged: then nobody knows what needs what
 * @throws what `backups` throws; the signal's reason when it is aborted
 */
export async function deleteWal(options: DeleteWalOptions): Promise<DeleteReport> {
  await using _ = options.dryRun === true ? undefined : await takeLock(options);
  const state = await survey(options);
  const { plan, sizes } = state;
  const { blockedBy, oldestBackup, windowStart } = plan;
  const holes = await remainingHoles(options, state);
  const about = { blockedBy, oldestBackup, windowStart, holes };
  if (options.dryRun === true) {
    const removed = plan.remove.map(({ name }) => ({ name, size: sizes.get(name) ?? 0 }));
    return { ...about, removed, stoppedAt: undefined, catalogFailure: undefined };
  }
  return { ...about, ...(await carryOut(options, state)) };
}

interface Surveyed {
  readonly plan: RetentionPlan;
  readonly walSegmentSize: WalSegmentSize | undefined;
  readonly sizes: ReadonlyMap<string, number>;
  readonly entries: ReadonlyMap<string, XlogDbEntry>;
  readonly xlogDb: XlogDb;
}

async function takeLock({ lockDirectory, serverName }: DeleteWalOptions): Promise<FileLock> {
  const path = archiveLockPath(lockDirectory, serverName);
  const lock = await tryLock(path, { withFlock: true });
  if (lock !== undefined) return lock;
  throw new ArchiverBusyError(path, (await lockOwner(path))?.pid);
}

async function survey(options: DeleteWalOptions): Promise<Surveyed> {
  const { serverName, directories, lockDirectory, xlogDbDirectory, policy, signal, now = Date.now() } = options;
  const walsDirectory = directories.wals;
  const path = await xlogDbPath({ serverName, walsDirectory, xlogDbDirectory });
  const entries = new Map((await readXlogDb(path)).map((entry) => [entry.name, entry] as const));
  const { value: lastCommits } = fromCatalog(options, (catalog) => catalog.lastCommits());
  const files = await agedFiles(walsDirectory, { now, lastCommits });
  const names = files.map(({ file }) => file);
  const walSegmentSize = await segmentSizeAmong(directories, names, options);
  const plan = planRetention({
    policy,
    files,
    listed: listedOnly(entries, files),
    backups: await options.backups(),
    timelines: await Timelines.read(directories),
    walSegmentSize,
    now,
  });
  const lockPath = xlogDbLockPath(lockDirectory, serverName);
  return {
    plan,
    walSegmentSize,
    sizes: new Map(files.map(({ file, size }) => [file.name, size])),
    entries,
    xlogDb: new XlogDb({ path, lockPath, walsDirectory, signal }),
  };
}

function listedOnly(entries: ReadonlyMap<string, XlogDbEntry>, files: readonly AgedFile[]): readonly AgedFile['file'][] {
  const there = new Set(files.map(({ file }) => file.name));
  return [...entries.keys()]
    .filter((name) => !there.has(name))
    .map(tryParseWalFileName)
    .filter((file) => file !== undefined)
    .filter((file) => file.kind !== 'history');
}

async function carryOut(
  options: DeleteWalOptions,
  { plan, entries, xlogDb }: Surveyed,
): Promise<Pick<DeleteReport, 'removed' | 'stoppedAt' | 'catalogFailure'>> {
  const { recordPath, now = Date.now(), log = silentLogger, serverName } = options;
  // What is only struck off the list counts as deleted, too: nothing else would say that it was there.
  const going = [...plan.remove, ...plan.forget];
  if (going.length > 0) await recordDeletion(recordPath, going, now);
  const remover = new FileRemover({
    ...options,
    walsDirectory: options.directories.wals,
    compressionOf: (name) => entries.get(name)?.compression,
    onFile: (file) => {
      log.info({ server: serverName, file: file.name, bytes: file.size }, `deleted "${file.name}"`);
      options.onFile?.(file);
    },
  });
  let catalogFailure: unknown;
  let stoppedAt: string | undefined;
  try {
    stoppedAt = await remover.remove(plan.remove);
  } finally {
    await remover.settle();
    const { removed } = remover;
    await xlogDb.forget(new Set([...removed, ...plan.forget].map((file) => file.name)));
    const gone = [...removed, ...plan.forget.map(({ name }) => ({ name, size: entries.get(name)?.size ?? 0 }))];
    catalogFailure = fromCatalog(options, (catalog) => catalog.forget(gone)).failure;
  }
  return { removed: remover.removed, stoppedAt, catalogFailure };
}

function fromCatalog<T>(options: DeleteWalOptions, work: (catalog: DeletionCatalog) => T): { value?: T; failure?: unknown } {
  if (options.catalog === undefined) return {};
  try {
    return { value: work(options.catalog) };
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : String(failure);
    const code = WalvaultError.is(failure) ? failure.code : undefined;
    (options.log ?? silentLogger).warn({ server: options.serverName, code }, `the catalogue cannot be used: ${message}`);
    return { failure };
  }
}

/** The holes behind the first file that stays of each timeline. */
async function remainingHoles(options: DeleteWalOptions, { plan, walSegmentSize }: Surveyed): Promise<readonly WalHole[]> {
  const lastRemoved = new Map(plan.remove.map((file) => [file.timelineId as number, file.name]));
  const { timelines } = await listArchive({ ...options, walSegmentSize });
  return timelines.flatMap(({ timelineId, holes }) => holes.filter((hole) => hole.last > (lastRemoved.get(timelineId) ?? '')));
}
