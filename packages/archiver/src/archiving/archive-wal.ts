/**
 * archive-wal: one pass over the directories that feed the archive, by Barman's rules: first what was streamed, then what
 * archive_command brought.
 *
 * One pass at a time per server, guarded by Barman's lock file. What does not belong there is moved aside, bad files are,
 * too, and a file that cannot be archived stays; only trouble with the archive ends a directory's turn, and then everything
 * is still in one place or the other.
 */
import { type Disk, type FileLock, lockOwner, nodeDisk, tryLock } from '@walvault/durable-fs';
import { type Logger, silentLogger, type WalvaultError } from '@walvault/wal';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import type { Compression } from '../content/codec.ts';
import { ContentThreads } from '../content/content-threads.ts';
import { SpareMemory } from '../content/spare-memory.ts';
import { ArchiverBusyError } from '../errors.ts';
import { archiveLockPath, xlogDbLockPath } from '../wal-files/layout.ts';
import { XlogDb, type XlogDbMemory, xlogDbPath } from '../wal-files/xlog-db.ts';
import type { ArchiveHooks } from './archive-hooks.ts';
import { type ArchiveCatalog, CatalogNotes } from './catalog-notes.ts';
import type { FileResult } from './file-result.ts';
import { KnownCluster } from './known-cluster.ts';
import type { PassContext, Source } from './pass-context.ts';
import { Seams } from './seams.ts';
import { type KeptFile, selectIncoming, selectStreamed } from './select-files.ts';
import { SourceTurn } from './source-turn.ts';
import { readTimelines, streamingFacts } from './streaming-facts.ts';
import { readWaitingFiles } from './waiting-files.ts';

/** Everything that a pass needs to know. */
export interface ArchiveWalOptions extends ClusterFacts {
  /** Name of the server, as in the configuration; part of the names of lock files and of xlog.db. */
  readonly serverName: string;
  readonly directories: {
    /** `streaming_wals_directory`; not given when nothing is taken from there. */
    readonly streaming?: string | undefined;
    /** `incoming_wals_directory`; not given when nothing is taken from there. */
    readonly incoming?: string | undefined;
    /** `wals_directory` */
    readonly wals: string;
    /** `errors_directory` */
    readonly errors: string;
  };
  /** `barman_lock_directory` */
  readonly lockDirectory: string;
  /** `xlogdb_directory`, if it is set. */
  readonly xlogDbDirectory?: string | undefined;
  /**
   * How segments are stored; as they are unless given. History and backup history files always are stored as they are, and what
   * comes compressed stays so.
   */
  readonly compression?: Compression | undefined;
  /** How many segments are compressed and placed at the same time; 2 unless given. */
  readonly workers?: number | undefined;
  /** How many WAL files at most to deal with in this pass, for each directory; 0 or not given for all. */
  readonly batchSize?: { readonly streaming?: number | undefined; readonly incoming?: number | undefined } | undefined;
  /** Name (`....partial`) of the segment that the receiver is writing, read from its state before this call; not given when nobody knows. */
  readonly livePartial?: string | undefined;
  /**
   * Name of the last segment that walvault's receiver has received, from its state. It finds where to go on behind the archive, so
   * segments up to this one need not stay. Of others (pg_receivewal) the last complete segment stays where no partial one
   * is behind it, since they find their position by it.
   */
  readonly receivedThrough?: string | undefined;
  /** Where segments are noted with what is known of them; nowhere unless given. */
  readonly catalog?: ArchiveCatalog | undefined;
  /** Scripts around archiving a file. With any of them files are archived one at a time. */
  readonly hooks?: ArchiveHooks | undefined;
  /** Ends the pass between two files, or in the middle of a copy; nothing is lost by that. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  /**
   * Called for each file, and awaited. For an archived file or a duplicate that is when the copy is durable and noted in
   * xlog.db and the catalogue, and the source is still there: what throws here ends the turn, and the file comes again, as a duplicate.
   */
  readonly onFile?: ((result: FileResult) => void | Promise<void>) | undefined;
  /** Told how many WAL files of a directory there are to deal with in this pass, before the first of them. */
  readonly onBacklog?: ((files: number) => void) | undefined;
  /** Milliseconds since 1970; the clock of this machine unless given. */
  readonly now?: (() => number) | undefined;
  /** What the process remembers of xlog.db from one pass to the next; an empty object at first. */
  readonly xlogDbMemory?: XlogDbMemory | undefined;
  /** Memory for segments that the process uses from one pass to the next; that of each pass is its own unless given. */
  readonly spareMemory?: SpareMemory | undefined;
  /** Where the directories are; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
  /** How locks are tried for; those of the kernel unless given. */
  readonly tryLock?: typeof tryLock | undefined;
}

/** What a pass did. What became of each file is told by `onFile` alone: there may be any number of them. */
export interface ArchiveReport {
  /** Why the first file that could not be archived is where it was; undefined when there was none. */
  readonly firstFailure: WalvaultError | undefined;
  /** What stays on purpose. */
  readonly kept: readonly KeptFile[];
  /** How many files were left for the next pass by a batch size or a script. */
  readonly remaining: number;
  /** A `pre_archive_retry_script` has ended the pass (exit code 63). */
  readonly isStopped: boolean;
  /** Why the catalogue lacks what was archived; `rebuild-catalog` brings it in. */
  readonly catalogTrouble: Error | undefined;
}

/**
 * Archives what is ready.
 * @throws {ArchiverBusyError} when another pass is running for this server
 * @throws {FileSystemError} when the disk is full or the archive cannot be written to; each directory has had its turn then, and
 * what was archived before that stays archived
 * @throws the signal's reason when it is aborted
 */
export async function archiveWal(options: ArchiveWalOptions): Promise<ArchiveReport> {
  await using _ = await takeLock(options);
  return await new Pass(options, await contextOf(options)).run();
}

async function takeLock(options: ArchiveWalOptions): Promise<FileLock> {
  const path = archiveLockPath(options.lockDirectory, options.serverName);
  const lock = await (options.tryLock ?? tryLock)(path, { withFlock: true });
  if (lock !== undefined) return lock;
  throw new ArchiverBusyError(path, (await lockOwner(path))?.pid);
}

/** What each turn has for itself. */
type TurnTools = 'memory' | 'threads';

/** The directories in turn. */
class Pass {
  readonly #options: ArchiveWalOptions;
  readonly #context: Omit<PassContext, TurnTools>;
  #firstFailure: WalvaultError | undefined;
  readonly #kept: KeptFile[] = [];
  #remaining = 0;
  #isStopped = false;

  constructor(options: ArchiveWalOptions, context: Omit<PassContext, 'onFile' | TurnTools>) {
    this.#options = options;
    const onFile = async (result: FileResult): Promise<void> => {
      if (result.kind === 'failed') this.#firstFailure ??= result.error;
      await options.onFile?.(result);
    };
    this.#context = { ...context, onFile };
  }

  async run(): Promise<ArchiveReport> {
    const { streaming, incoming } = this.#options.directories;
    const troubles: { readonly error: unknown }[] = [];
    for (const [kind, directory] of [
      ['streaming', streaming],
      ['incoming', incoming],
    ] as const) {
      if (directory === undefined || this.#isStopped) continue;
      await this.#takeTurn({ kind, directory }).catch((error: unknown) => troubles.push({ error }));
      this.#options.signal?.throwIfAborted();
    }
    const [first, second] = troubles;
    if (second?.error instanceof Error) this.#context.log.error({}, second.error.message);
    if (first !== undefined) throw first.error;
    return {
      firstFailure: this.#firstFailure,
      kept: this.#kept,
      remaining: this.#remaining,
      isStopped: this.#isStopped,
      catalogTrouble: this.#context.catalog.trouble,
    };
  }

  async #takeTurn(source: Source): Promise<void> {
    const { files, unknown } = await readWaitingFiles(source.directory, this.#context.disk);
    if (files.length + unknown.length === 0) return;
    const timelines = await readTimelines(this.#options.directories, this.#context.disk);
    const { take, keep } =
      source.kind === 'incoming'
        ? selectIncoming(files)
        : selectStreamed(files, await streamingFacts(this.#options, source.directory, files, timelines));
    this.#kept.push(...keep);
    await using threads = new ContentThreads(this.#context.workers);
    const context = { ...this.#context, threads, memory: this.#options.spareMemory ?? new SpareMemory() };
    const turn = new SourceTurn(context, source, new Seams(context.catalog, timelines));
    const batchSize = this.#options.batchSize?.[source.kind] ?? 0;
    const backlog = batchSize > 0 ? Math.min(batchSize, take.length) : take.length;
    if (backlog >= muchBacklog) threads.begin();
    this.#options.onBacklog?.(backlog);
    try {
      await turn.run({ files: take, unknown, batchSize });
    } finally {
      this.#kept.push(...turn.unfinished.map((name) => ({ name, reason: 'unfinished' as const })));
      this.#remaining += turn.remaining;
      this.#isStopped = turn.isStopped;
    }
  }
}

/** So many files are worth threads from the first one on. */
const muchBacklog = 8;

async function contextOf(options: ArchiveWalOptions): Promise<Omit<PassContext, 'onFile' | TurnTools>> {
  const { serverName, directories, lockDirectory, xlogDbDirectory, signal, log = silentLogger, disk = nodeDisk } = options;
  const walsDirectory = directories.wals;
  const facts = new KnownCluster(options);
  await facts.askArchive(walsDirectory, { custom: options.compression?.custom, disk });
  return {
    serverName,
    walsDirectory,
    errorsDirectory: directories.errors,
    compression: options.compression ?? { method: 'none' },
    facts,
    workers: options.workers ?? 2,
    disk,
    catalog: new CatalogNotes(options.catalog, log),
    durableDirectories: new Set(),
    hooks: options.hooks,
    signal,
    log,
    now: options.now ?? Date.now,
    xlogDb: new XlogDb({
      path: await xlogDbPath({ serverName, walsDirectory, xlogDbDirectory, disk }),
      lockPath: xlogDbLockPath(lockDirectory, serverName),
      walsDirectory,
      signal,
      disk,
      tryLock: options.tryLock,
      memory: options.xlogDbMemory,
    }),
  };
}
