/**
 * History files: which way the server came, and which way the WAL that is here.
 *
 * Each timeline's own is durable in the streaming directory before its first segment is asked for, and those of its
 * ancestors with it: a recovery that goes through them asks for each (pg_receivewal fetches the one of the timeline it
 * follows alone, and goes on when it could not write it).
 */
import { join } from 'node:path';
import { type Disk, FileSystemError, readStart, writeFileAtomic } from '@walvault/durable-fs';
import { type ReplicationConnection, ServerError } from '@walvault/protocol';
import {
  firstTimelineId,
  historyFileName,
  type Logger,
  parseHistoryFile,
  silentLogger,
  type TimelineId,
  type TimelineSwitch,
} from '@walvault/wal';
import { ReceiverError } from './errors.ts';

/** What {@link HistoryFiles} work with. */
export interface HistoryFilesOptions {
  /** Idle whenever a file is asked for. */
  readonly connection: ReplicationConnection;
  readonly directory: string;
  /** The content of a history file that has left the directory for the archive; undefined when it is not there. */
  readonly readArchived?: ((name: string) => Promise<Buffer | undefined>) | undefined;
  /** Permission bits of new files; 0600 unless given. */
  readonly fileMode?: number | undefined;
  readonly disk?: Disk | undefined;
  readonly log?: Logger | undefined;
}

/** Bytes; a line takes about a hundred. */
const longestFile = 256 * 1024;
/** undefined_file: the server does not have it. */
const undefinedFile = '58P01';

/** The history files of a streaming directory. */
export class HistoryFiles {
  readonly #options: HistoryFilesOptions;
  /** Ancestors that the server does not have: it is not asked again. */
  readonly #missing = new Set<TimelineId>();

  constructor(options: HistoryFilesOptions) {
    this.#options = options;
  }

  /** What the server says about the way to a timeline of its own. @throws {ServerError} @throws {WalFormatError} */
  async ofServer(timelineId: TimelineId): Promise<readonly TimelineSwitch[]> {
    return timelineId === firstTimelineId ? [] : parse(timelineId, await this.#fetch(timelineId));
  }

  /** What was kept about the way to a timeline; undefined when nothing was. @throws {FileSystemError} @throws {WalFormatError} */
  async ofKept(timelineId: TimelineId): Promise<readonly TimelineSwitch[] | undefined> {
    if (timelineId === firstTimelineId) return [];
    const content = await this.#kept(timelineId);
    return content === undefined ? undefined : parse(timelineId, content);
  }

  /**
   * Makes sure that the history files of a timeline and of its ancestors are kept.
   * @throws {ReceiverError} `ERR_TIMELINE_SWITCH` when the server sends the history of another timeline, or another one than is kept
   * @throws {ServerError} when the server does not have it, {@link FileSystemError} when it cannot be written
   */
  async keep(timelineId: TimelineId): Promise<void> {
    if (timelineId === firstTimelineId) return;
    const content = (await this.#keptAsOnServer(timelineId)) ?? (await this.#write(timelineId));
    for (const ancestor of parse(timelineId, content)) await this.#keepAncestor(ancestor.timelineId);
  }

  /** Two servers that were promoted apart may have given one number to two timelines. */
  async #keptAsOnServer(timelineId: TimelineId): Promise<Buffer | undefined> {
    const content = await this.#kept(timelineId);
    if (content === undefined) return undefined;
    const theirs = await this.ofServer(timelineId);
    if (switchesOf(parse(timelineId, content)) === switchesOf(theirs)) return content;
    const name = historyFileName(timelineId);
    throw new ReceiverError(
      'ERR_TIMELINE_SWITCH',
      `"${name}" of the server is not the one that is kept: they are two timelines of one number`,
      {
        path: join(this.#options.directory, name),
        hint: 'Two servers were promoted apart. Check where the connection leads; if it is right, move the kept file away, and the segments of that timeline with it.',
      },
    );
  }

  /** A server that was restored from a backup need not have all of them, and they may be here from before. */
  async #keepAncestor(timelineId: TimelineId): Promise<void> {
    if (timelineId === firstTimelineId || this.#missing.has(timelineId) || (await this.#kept(timelineId)) !== undefined) return;
    try {
      await this.#write(timelineId);
    } catch (error) {
      if (!(error instanceof ServerError && error.sqlState === undefinedFile)) throw error;
      this.#missing.add(timelineId);
      (this.#options.log ?? silentLogger).warn({ timelineId }, 'the server does not have the history file of this ancestor');
    }
  }

  async #write(timelineId: TimelineId): Promise<Buffer> {
    const content = await this.#fetch(timelineId);
    parse(timelineId, content);
    const { directory, fileMode: mode, disk } = this.#options;
    await writeFileAtomic(join(directory, historyFileName(timelineId)), content, { mode, disk });
    return content;
  }

  async #fetch(timelineId: TimelineId): Promise<Buffer> {
    const { fileName, content } = await this.#options.connection.timelineHistory(timelineId);
    if (fileName === historyFileName(timelineId)) return content;
    throw new ReceiverError('ERR_TIMELINE_SWITCH', `the server sent "${fileName}" as the history of timeline ${timelineId}`);
  }

  async #kept(timelineId: TimelineId): Promise<Buffer | undefined> {
    const name = historyFileName(timelineId);
    try {
      return (await readStart(join(this.#options.directory, name), longestFile, this.#options.disk)).bytes;
    } catch (error) {
      if (!(error instanceof FileSystemError && error.code === 'ERR_PATH_MISSING')) throw error;
      return this.#options.readArchived?.(name);
    }
  }
}

function switchesOf(switches: readonly TimelineSwitch[]): string {
  return switches.map(({ timelineId, switchLsn }) => `${timelineId}@${switchLsn}`).join();
}

function parse(timelineId: TimelineId, content: Buffer): readonly TimelineSwitch[] {
  return parseHistoryFile(timelineId, content.toString('latin1'));
}
