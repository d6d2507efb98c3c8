/**
 * How the timelines of a cluster descend from each other, as the history files at hand tell it.
 *
 * A history file lists all ancestors, so the file of one timeline also tells about those it came from; that matters
 * where the archive was begun on a later timeline and the earlier history files never came.
 */
import { join } from 'node:path';
import type { Disk } from '@walvault/durable-fs';
import {
  type Lsn,
  parseHistoryFile,
  timelineAt,
  type TimelineId,
  type TimelineSwitch,
  type WalFileName,
  WalFormatError,
} from '@walvault/wal';
import { largestText } from '../content/check-wal-file.ts';
import { ContentFile, type OpenOptions } from '../content/content.ts';
import { historyFilesIn } from './directory-listing.ts';
import { WalFileError } from '../errors.ts';
import type { WalDirectories } from './layout.ts';

/** A timeline that came from another one. */
export interface Descendant {
  readonly timelineId: TimelineId;
  /** Where the ancestor was left: the first byte that is not its any more. */
  readonly leftAt: Lsn;
}

/** The history files of all directories, read. */
export class Timelines {
  readonly #histories: ReadonlyMap<TimelineId, readonly TimelineSwitch[]>;

  /** @param histories the ancestors of each timeline, oldest first */
  constructor(histories: ReadonlyMap<TimelineId, readonly TimelineSwitch[]>) {
    this.#histories = histories;
  }

  /**
   * Reads every history file in the archive and in the directories that feed it.
   * @throws {FileSystemError} when a directory or a file cannot be read
   * @throws {WalFileError} when a file is not a history file
   */
  static async read(directories: WalDirectories, disk?: Disk): Promise<Timelines> {
    const histories = new Map<TimelineId, readonly TimelineSwitch[]>();
    for (const directory of [directories.streaming, directories.incoming, directories.wals]) {
      if (directory === undefined) continue;
      for (const file of await historyFilesIn(directory, disk)) {
        const switches = await readHistory(join(directory, file.name), file, { ...directories, disk });
        if (switches !== undefined) histories.set(file.timelineId, switches);
      }
    }
    return new Timelines(histories);
  }

  /** The timelines whose history file is there. */
  get withHistory(): ReadonlySet<TimelineId> {
    return new Set(this.#histories.keys());
  }

  /** The ancestors of a timeline, oldest first, as far as any file tells; none for the first timeline. */
  ancestorsOf(timelineId: TimelineId): readonly TimelineSwitch[] {
    const own = this.#histories.get(timelineId);
    if (own !== undefined) return own;
    for (const switches of this.#histories.values()) {
      const index = switches.findIndex((entry) => entry.timelineId === timelineId);
      if (index >= 0) return switches.slice(0, index);
    }
    return [];
  }

  /** Where a timeline begins: the switchpoint of its parent. Undefined when no file tells, as for the first timeline. */
  beginOf(timelineId: TimelineId): Lsn | undefined {
    return this.ancestorsOf(timelineId).at(-1)?.switchLsn;
  }

  /** The timeline, among this one and its ancestors, that the byte at `lsn` belongs to; this one where no file tells. */
  timelineAt(timelineId: TimelineId, lsn: Lsn): TimelineId {
    return timelineAt(timelineId, this.ancestorsOf(timelineId), lsn);
  }

  /** The timelines that came from this one, directly or not. */
  descendantsOf(timelineId: TimelineId): readonly Descendant[] {
    const found = new Map<TimelineId, Descendant>();
    for (const [youngest, switches] of this.#histories) {
      const index = switches.findIndex((entry) => entry.timelineId === timelineId);
      const left = switches[index];
      if (left === undefined) continue;
      for (const later of [...switches.slice(index + 1).map((entry) => entry.timelineId), youngest]) {
        found.set(later, { timelineId: later, leftAt: left.switchLsn });
      }
    }
    return [...found.values()];
  }
}

async function readHistory(
  path: string,
  file: WalFileName,
  options: OpenOptions,
): Promise<readonly TimelineSwitch[] | undefined> {
  await using content = await ContentFile.open(path, options);
  if (content === undefined) return undefined;
  const text = await content.head(largestText + 1);
  if (text.length > largestText) throw new WalFileError('ERR_WAL_FILE_WRONG_SIZE', path, 'is too long for a history file');
  try {
    const switches = parseHistoryFile(file.timelineId, text.toString('utf8'));
    if (switches.length > 0) return switches;
  } catch (cause) {
    if (!(cause instanceof WalFormatError)) throw cause;
    throw new WalFileError('ERR_WAL_FILE_CORRUPT', path, `is not a timeline history file: ${cause.message}`, { cause });
  }
  // An empty file, as a full disk leaves it, would make a timeline out of nothing.
  throw new WalFileError('ERR_WAL_FILE_CORRUPT', path, 'names no timeline that its timeline came from');
}
