/**
 * What the archive holds, timeline by timeline, and what is missing in it: by names alone, no file is opened but one
 * to learn the segment size, and the history files.
 */
import {
  type SegmentNumber,
  segmentNumberOf,
  segmentNumberOfName,
  type TimelineId,
  walFileName,
  type WalFileName,
  type WalSegmentSize,
  WalFormatError,
} from '@walvault/wal';
import { archivedFilesIn, archiveRoot, waitingFiles } from './directory-listing.ts';
import { isSegmentFile, type SegmentFileName } from './layout.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { type Run, runsOf } from './segment-runs.ts';
import { segmentSizeAmong } from './segment-size-among.ts';
import { Timelines } from './timelines.ts';

/** Segments in a row that are missing. */
export interface WalHole {
  /** Name of the first segment that is missing. */
  readonly first: string;
  /** Name of the last one. */
  readonly last: string;
  readonly count: number;
}

/** The WAL of one timeline. */
export interface TimelineListing {
  readonly timelineId: TimelineId;
  /** Name of the first complete segment in the archive, if there is one. */
  readonly first: string | undefined;
  /** Name of the last one. */
  readonly last: string | undefined;
  /** How many complete segments are in the archive. */
  readonly count: number;
  /** Incomplete segments in the archive. */
  readonly partials: readonly string[];
  /**
   * What is missing between the first and the last segment, and, as the history files tell, up to where a later timeline
   * goes on. Segments that wait in the streaming or incoming directory are not missing.
   */
  readonly holes: readonly WalHole[];
}

/** What the archive holds. */
export interface ArchiveListing {
  /** Undefined when there is no segment in the archive. */
  readonly walSegmentSize: WalSegmentSize | undefined;
  /** In order of timeline. */
  readonly timelines: readonly TimelineListing[];
  /** Timelines whose history file is there. */
  readonly histories: readonly TimelineId[];
  /** Names in the archive that cannot exist with this segment size. */
  readonly impossibleNames: readonly string[];
}

/**
 * Lists the archive of a server.
 * @throws {FileSystemError} when a directory cannot be read
 * @throws {WalFileError} when a history file, or the segment that tells the segment size, is damaged
 */
export async function listArchive(options: WalReadOptions): Promise<ArchiveListing> {
  const waiting = (await waitingFiles(options.directories)).filter(isSegmentFile);
  const archived: WalFileName[] = [];
  const { hashDirectories } = await archiveRoot(options.directories.wals);
  for (const directory of hashDirectories) archived.push(...(await archivedFilesIn(options.directories.wals, directory)));
  const segments = archived.filter(isSegmentFile);
  const timelines = await Timelines.read(options.directories);
  const histories = [...timelines.withHistory].toSorted((a, b) => a - b);
  const walSegmentSize = await segmentSizeAmong(options.directories, segments, options);
  if (walSegmentSize === undefined) return { walSegmentSize, timelines: [], histories, impossibleNames: [] };
  return { walSegmentSize, histories, ...surveyTimelines({ archived: segments, waiting, walSegmentSize, timelines }) };
}

/** What there is of each timeline, and what is missing, by the names of all segments there are. */
export function surveyTimelines(files: {
  readonly archived: readonly SegmentFileName[];
  readonly waiting: readonly SegmentFileName[];
  readonly walSegmentSize: WalSegmentSize;
  readonly timelines: Timelines;
}): Pick<ArchiveListing, 'timelines' | 'impossibleNames'> {
  const survey = new Survey(files.walSegmentSize, files.timelines);
  for (const file of files.archived) survey.add(file, true);
  for (const file of files.waiting) survey.add(file, false);
  return { timelines: survey.listings(), impossibleNames: survey.impossibleNames };
}

interface Tally {
  readonly archived: SegmentNumber[];
  readonly waiting: SegmentNumber[];
  readonly partials: string[];
}

/** Collects the segments of all timelines, then says what is missing. */
class Survey {
  readonly impossibleNames: string[] = [];
  readonly #size: WalSegmentSize;
  readonly #timelines: Timelines;
  readonly #tallies = new Map<TimelineId, Tally>();

  constructor(size: WalSegmentSize, timelines: Timelines) {
    this.#size = size;
    this.#timelines = timelines;
  }

  add(file: SegmentFileName, isArchived: boolean): void {
    const tally = this.#tallies.get(file.timelineId) ?? { archived: [], waiting: [], partials: [] };
    this.#tallies.set(file.timelineId, tally);
    if (file.kind === 'partial') {
      if (isArchived) tally.partials.push(file.name);
      return;
    }
    try {
      (isArchived ? tally.archived : tally.waiting).push(segmentNumberOfName(file, this.#size));
    } catch (error) {
      if (!(error instanceof WalFormatError)) throw error;
      this.impossibleNames.push(file.name);
    }
  }

  listings(): readonly TimelineListing[] {
    const ids = [...this.#tallies.keys()].toSorted((a, b) => a - b);
    return ids.map((id) => this.#listing(id, this.#tallies.get(id) ?? { archived: [], waiting: [], partials: [] }));
  }

  #listing(timelineId: TimelineId, tally: Tally): TimelineListing {
    const runs = runsOf(tally.archived);
    const name = (segment: SegmentNumber | undefined): string | undefined =>
      segment === undefined ? undefined : walFileName(timelineId, segment, this.#size);
    return {
      timelineId,
      first: name(runs[0]?.first),
      last: name(runs.at(-1)?.last),
      count: tally.archived.length,
      partials: tally.partials,
      holes: this.#holes(timelineId, [...tally.archived, ...tally.waiting]),
    };
  }

  #holes(timelineId: TimelineId, present: readonly SegmentNumber[]): readonly WalHole[] {
    const runs = runsOf(present);
    const begin = this.#requiredBegin(timelineId, runs);
    const end = this.#requiredEnd(timelineId);
    const holes: WalHole[] = [];
    const note = (first: bigint, next: bigint): void => {
      if (first < next) holes.push(this.#hole(timelineId, first, next - 1n));
    };
    let expected = begin ?? runs[0]?.first;
    for (const run of runs) {
      if (expected !== undefined) note(expected, run.first);
      expected = (run.last + 1n) as SegmentNumber;
    }
    if (expected !== undefined && end !== undefined && runs.length > 0) note(expected, end);
    return holes;
  }

  /** Where a timeline must begin when WAL from before it is there: at the segment in which its parent was left. */
  #requiredBegin(timelineId: TimelineId, runs: readonly Run[]): SegmentNumber | undefined {
    const lsn = this.#timelines.beginOf(timelineId);
    const first = runs[0]?.first;
    if (lsn === undefined || first === undefined) return undefined;
    const begin = segmentNumberOf(lsn, this.#size);
    const isKnownBefore = [...this.#tallies].some(
      ([id, tally]) =>
        this.#timelines.descendantsOf(id).some((heir) => heir.timelineId === timelineId) &&
        [...tally.archived, ...tally.waiting].some((segment) => segment < first),
    );
    return isKnownBefore && begin < first ? begin : undefined;
  }

  /** Up to which segment (exclusive) the WAL of a timeline is needed by those that descend from it and are there. */
  #requiredEnd(timelineId: TimelineId): SegmentNumber | undefined {
    let end: SegmentNumber | undefined;
    for (const heir of this.#timelines.descendantsOf(timelineId)) {
      const left = segmentNumberOf(heir.leftAt, this.#size);
      if (this.#tallies.has(heir.timelineId) && (end === undefined || left > end)) end = left;
    }
    return end;
  }

  #hole(timelineId: TimelineId, first: bigint, last: bigint): WalHole {
    const name = (segment: bigint): string => walFileName(timelineId, segment as SegmentNumber, this.#size);
    return { first: name(first), last: name(last), count: Number(last - first) + 1 };
  }
}
