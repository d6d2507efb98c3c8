/**
 * archive-wal: one pass over a streaming directory, by Barman's rules.
 *
 * One pass at a time per server, guarded by Barman's lock file. What does not belong there is moved aside, bad files are,
 * too; only trouble with the file system ends a pass, and then everything is still in one place or the other.
 */
import { join } from 'node:path';
import { type FileLock, lockOwner, tryLock } from '@walvault/durable-fs';
import { type Logger, silentLogger, type WalFileName } from '@walvault/wal';
import { archiveFile, type ArchiveFileContext, type FileResult } from './archive-file.ts';
import { checkWalFile, type ClusterFacts } from '../content/check-wal-file.ts';
import type { Compression } from '../content/codec.ts';
import { ContentFile } from '../content/content.ts';
import { isMissing } from '../wal-files/directory-listing.ts';
import { ArchiverBusyError, WalFileError } from '../errors.ts';
import { moveAside } from './errors-directory.ts';
import { archiveLockPath, isPartialFile, xlogDbLockPath } from '../wal-files/layout.ts';
import { type KeptFile, segmentsFromLatest, selectFiles, type SelectionFacts } from './select-files.ts';
import { readStreamingDirectory } from './streaming-directory.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { XlogDb, xlogDbPath } from '../wal-files/xlog-db.ts';

/** Everything that a pass needs to know. */
export interface ArchiveWalOptions extends ClusterFacts {
  /** Name of the server, as in the configuration; part of the names of lock files and of xlog.db. */
  readonly serverName: string;
  readonly directories: {
    /** `streaming_wals_directory` */
    readonly streaming: string;
    /** `wals_directory` */
    readonly wals: string;
    /** `errors_directory` */
    readonly errors: string;
  };
  /** `barman_lock_directory` */
  readonly lockDirectory: string;
  /** `xlogdb_directory`, if it is set. */
  readonly xlogDbDirectory?: string | undefined;
  /** How segments are stored; as they are unless given. History and backup history files always are stored as they are. */
  readonly compression?: Compression | undefined;
  /** How many WAL files at most to work on in this pass; 0 or not given for all. */
  readonly batchSize?: number | undefined;
  /** Name (`....partial`) of the segment that the receiver is writing, read from its state before this call; not given when nobody knows. */
  readonly livePartial?: string | undefined;
  /**
   * Whether the last complete segment stays where no partial one is behind it; true unless given. The receiver finds its
   * position by it. With false the receiver must know better, from its slot, where to go on.
   */
  readonly keepPositionMark?: boolean | undefined;
  /** Ends the pass between two files, or in the middle of a copy; nothing is lost by that. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  /**
   * Called for each file, and awaited. For an archived file or a duplicate that is when the copy is durable and noted in
   * xlog.db, and the source is still there: what throws here ends the pass, and the file comes again, as a duplicate.
   */
  readonly onFile?: ((result: FileResult) => void | Promise<void>) | undefined;
}

/** What a pass did. */
export interface ArchiveReport {
  /** In the order of work. */
  readonly files: readonly FileResult[];
  /** What stays in the streaming directory on purpose. */
  readonly kept: readonly KeptFile[];
  /** How many files were left for the next pass by `batchSize`. */
  readonly remaining: number;
}

/**
 * Archives what is ready in the streaming directory.
 * @throws {ArchiverBusyError} when another pass is running for this server
 * @throws {FileSystemError} when the disk is full or a file operation fails; what was archived before that stays archived
 * @throws {ArchiveCopyError} when a copy does not read back as what was written
 * @throws the signal's reason when it is aborted
 */
export async function archiveWal(options: ArchiveWalOptions): Promise<ArchiveReport> {
  await using _ = await takeLock(options);
  const { batchSize = 0, log = silentLogger } = options;
  const { files, unknown } = await readStreamingDirectory(options.directories.streaming);
  const { take, keep } = selectFiles(files, await selectionFacts(options, files));
  const context = await contextOf(options);
  const results: FileResult[] = [];
  const batch = batchSize > 0 ? take.slice(0, batchSize) : take;
  for (const name of batch) {
    options.signal?.throwIfAborted();
    const result = await archiveFile(context, name);
    if (result === undefined) continue;
    results.push(result);
    logResult(log, options.serverName, result);
  }
  for (const name of unknown) {
    const movedTo = await moveUnknown(options, name);
    if (movedTo === undefined) continue;
    const result: FileResult = { kind: 'unknown', name, movedTo };
    results.push(result);
    logResult(log, options.serverName, result);
    await options.onFile?.(result);
  }
  return { files: results, kept: keep, remaining: take.length - batch.length };
}

async function takeLock(options: ArchiveWalOptions): Promise<FileLock> {
  const path = archiveLockPath(options.lockDirectory, options.serverName);
  const lock = await tryLock(path);
  if (lock !== undefined) return lock;
  throw new ArchiverBusyError(path, (await lockOwner(path))?.pid);
}

async function contextOf(options: ArchiveWalOptions): Promise<ArchiveFileContext> {
  const { serverName, directories, lockDirectory, xlogDbDirectory, signal } = options;
  const walsDirectory = directories.wals;
  return {
    sourceDirectory: directories.streaming,
    walsDirectory,
    errorsDirectory: directories.errors,
    compression: options.compression ?? { method: 'none' },
    facts: options,
    signal,
    onFile: options.onFile,
    xlogDb: new XlogDb({
      path: await xlogDbPath({ serverName, walsDirectory, xlogDbDirectory }),
      lockPath: xlogDbLockPath(lockDirectory, serverName),
      walsDirectory,
      signal,
    }),
  };
}

async function selectionFacts(options: ArchiveWalOptions, files: readonly WalFileName[]): Promise<SelectionFacts> {
  const partials = files.filter(isPartialFile);
  const isLiveThere = partials.some((file) => file.name === options.livePartial);
  const needsMark = options.keepPositionMark !== false && !isLiveThere;
  return {
    livePartial: options.livePartial,
    positionMark: needsMark ? await positionMarkAmong(options, files) : undefined,
    timelines: partials.length > 1 ? await timelinesIfReadable(options) : undefined,
  };
}

/** The last complete segment that is a good one: a bad one marks nothing, and is moved aside when its turn comes. */
async function positionMarkAmong(options: ArchiveWalOptions, files: readonly WalFileName[]): Promise<string | undefined> {
  for (const name of segmentsFromLatest(files)) {
    await using content = await ContentFile.open(join(options.directories.streaming, name.name));
    if (content === undefined) continue;
    try {
      await checkWalFile(content, content.size, name, options);
      return name.name;
    } catch (error) {
      if (!(error instanceof WalFileError)) throw error;
    }
  }
  return undefined;
}

/** A damaged history file proves nothing, and must not hold up the pass that moves it aside. */
async function timelinesIfReadable(options: ArchiveWalOptions): Promise<Timelines | undefined> {
  try {
    return await Timelines.read(options.directories);
  } catch (error) {
    if (error instanceof WalFileError || isMissing(error)) return undefined;
    throw error;
  }
}

async function moveUnknown(options: ArchiveWalOptions, name: string): Promise<string | undefined> {
  try {
    const path = join(options.directories.streaming, name);
    return await moveAside({ path, errorsDirectory: options.directories.errors, kind: 'unknown' });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function logResult(log: Logger, server: string, result: FileResult): void {
  const fields = { server, file: result.name };
  if (result.kind === 'archived') log.info({ ...fields, bytes: result.size }, `archived "${result.name}"`);
  else if (result.kind === 'duplicate' || result.kind === 'blank') log.info(fields, `removed ${result.kind} "${result.name}"`);
  else log.warn({ ...fields, movedTo: result.movedTo }, `moved ${result.kind} "${result.name}" to the errors directory`);
}
