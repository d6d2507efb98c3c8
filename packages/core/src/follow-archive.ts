/**
 * archive-wal --follow: passes over the directories of a server, one after another, each as soon as something is there to archive.
 *
 * Each pass takes the lock of archive-wal for itself, so that one that cron starts has its turn, too. What goes wrong is told and tried
 * again, ever more slowly; nothing but the signal ends it.
 */
import type { ArchiveReport, XlogDbMemory } from '@walvault/archiver/archiving';
import type { ServerConfig } from '@walvault/config';
import { tryParseWalFileName } from '@walvault/wal';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { archiveServer, type ArchiveServerOptions } from './archive-server.ts';
import { DirectoryWatch } from './directory-watch.ts';

/** How to follow. */
export interface FollowArchiveOptions extends ArchiveServerOptions {
  /** The configuration as it is when the next pass begins. */
  readonly server: () => ServerConfig;
  /** Waits until a pass may begin, where many servers have one process, and says how long it may be; disposed of behind the pass. */
  readonly turn?: (() => Promise<PassTurn>) | undefined;
  /** Told what a pass has done. */
  readonly onPass?: ((report: ArchiveReport) => void) | undefined;
  /** Told why a pass has ended early. Everything is in its place then. */
  readonly onTrouble: (error: unknown) => void;
}

/** A turn for one pass. */
export interface PassTurn extends Disposable {
  /** So many files of each directory at most. */
  readonly mostFiles: number;
}

const pauses = {
  /** Another process is at it. */
  busyMs: 250,
  /** A receiver tells a moment later than the file is there that it is done with it. */
  unsureMs: 500,
  /** Something is on its way; looking at it all the time does not make it quicker. */
  unfinishedMs: 1000,
  troubleMs: 5000,
  mostTroubleMs: 60_000,
  /** Where nothing can be watched. */
  blindMs: 1000,
  /** What a watch may miss: a directory that was replaced, a file system that tells nothing. */
  idleMs: 30_000,
} as const;

/** Archives until the signal is aborted; a pass that runs then ends in good order. */
export async function followArchive(options: FollowArchiveOptions): Promise<void> {
  const { signal } = options;
  using watch = new DirectoryWatch(mayBeComplete);
  const follower = new Follower(options);
  while (!signal.aborted) {
    const isWatching = watch.watch(directoriesOf(options.server()));
    watch.reset();
    const { afterMs, isDeaf } = await follower.pass();
    const waitMs = isWatching ? afterMs : Math.min(afterMs, pauses.blindMs);
    await pause(waitMs, signal, isDeaf ? undefined : watch.change);
  }
}

/** Waits for so long, or for a change. What was waited for is let go of: a promise and a timer for each pass would pile up in months. */
async function pause(ms: number, signal: AbortSignal, change: Promise<void> | undefined): Promise<void> {
  const over = new AbortController();
  const time = sleep(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => undefined);
  await (change === undefined ? time : Promise.race([change, time]));
  over.abort();
}

/** Partial segments change all the time, and are nobody's business until they have another name. */
function mayBeComplete(name: string): boolean {
  const kind = tryParseWalFileName(name)?.kind;
  return kind !== undefined && kind !== 'partial';
}

function directoriesOf({ directories, streamingArchiver, archiver }: ServerConfig): readonly string[] {
  return [...(streamingArchiver ? [directories.streaming] : []), ...(archiver ? [directories.incoming] : [])];
}

/**
 * Whether a pass would find nothing, at a glance: names on their way, and the one segment that is being received. A second partial one is
 * what a timeline has left behind, and goes to the archive.
 */
async function hasNothingToDo(directories: readonly string[]): Promise<boolean> {
  for (const directory of directories) {
    const all = await readdir(directory).catch(() => undefined);
    const names = all?.filter((name) => !name.startsWith('.'));
    // What cannot be read is for the pass to tell.
    if (names === undefined || names.length > 1 || names.some((name) => tryParseWalFileName(name)?.kind !== 'partial'))
      return false;
  }
  return true;
}

/** When the next pass is due. */
interface Pause {
  readonly afterMs: number;
  /** It must not begin earlier, whatever happens in the directories. */
  readonly isDeaf: boolean;
}

/** The passes. */
class Follower {
  readonly #options: FollowArchiveOptions;
  readonly #xlogDbMemory: XlogDbMemory = {};
  #failures = 0;
  #keptBefore = '';

  constructor(options: FollowArchiveOptions) {
    this.#options = options;
  }

  async pass(): Promise<Pause> {
    const { server, signal, turn, onPass, onTrouble } = this.#options;
    try {
      if (await hasNothingToDo(directoriesOf(server()))) return { afterMs: pauses.idleMs, isDeaf: false };
      using own = await turn?.();
      const mostFiles = own?.mostFiles ?? this.#options.mostFiles;
      const report = await archiveServer(server(), { ...this.#options, mostFiles, xlogDbMemory: this.#xlogDbMemory });
      if (report === 'busy') return { afterMs: pauses.busyMs, isDeaf: true };
      onPass?.(report);
      return this.#pauseAfter(report);
    } catch (error) {
      if (!signal.aborted) onTrouble(error);
      return this.#pauseAfterFailure();
    }
  }

  #pauseAfter({ firstFailure, kept, remaining, isStopped }: ArchiveReport): Pause {
    if (isStopped || firstFailure !== undefined) return this.#pauseAfterFailure();
    this.#failures = 0;
    if (remaining > 0) return { afterMs: 0, isDeaf: true };
    if (kept.some(({ reason }) => reason === 'unfinished')) return { afterMs: pauses.unfinishedMs, isDeaf: true };
    return { afterMs: this.#isUnsure(kept) ? pauses.unsureMs : pauses.idleMs, isDeaf: false };
  }

  /** Whether something stays that the receiver may be done with in a moment; what stays twice, stays. */
  #isUnsure(kept: ArchiveReport['kept']): boolean {
    const doubtful = kept.filter(({ reason }) => reason === 'position').map(({ name }) => name);
    const isNew = doubtful.length > 0 && doubtful.join() !== this.#keptBefore;
    this.#keptBefore = doubtful.join();
    return isNew;
  }

  #pauseAfterFailure(): Pause {
    this.#failures += 1;
    return { afterMs: Math.min(pauses.troubleMs * 2 ** (this.#failures - 1), pauses.mostTroubleMs), isDeaf: true };
  }
}
