/**
 * A WAL file is not there: has the WAL ended, or is there a hole?
 *
 * PostgreSQL takes "not there" as the end of the archive: it stops recovery and promotes. So that is only said when
 * nothing at hand needs the missing file. What needs it:
 *   - a segment: later ones of its timeline; and, up to where that timeline was left, everything that descends from it. A later
 *     timeline whose origin no history file tells may have left it anywhere.
 *     Below the begin of a timeline there are none of its segments: that WAL has the name of an ancestor.
 *   - a history file: segments of its timeline, and any higher timeline, which recovery would not look for any more
 *     (findNewestTimeLine, access/transam/timeline.c, counts up until the first one that is missing).
 *   - a backup history or partial file: nothing.
 * And what is on record was there, wherever it is now: what xlog.db lists; a segment that the receiver has made durable, or that
 * was deleted by the retention policy. So was a name that leads nowhere, as a link to storage that is not mounted does.
 * Directories are read in the order in which files wander, so that one on its way cannot be missed.
 */
import { type Lsn, type TimelineId, tryParseWalFileName, type WalFileName, walFileNameAt } from '@walvault/wal';
import { archivedFilesIn, archiveRoot, waitingFiles } from '../wal-files/directory-listing.ts';
import { ArchiveEmptyError } from '../errors.ts';
import { deletionOf, readDeletionRecord } from '../retention/deletion-record.ts';
import { type HashDirectory, isSegmentFile, positionOf, type SegmentFileName, type WalDirectories } from '../wal-files/layout.ts';
import type { WalReadOptions } from './open-wal.ts';
import { segmentSizeOf } from './segment-size.ts';
import { findTraceOfArchive } from './vanished-archive.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { readXlogDb } from '../wal-files/xlog-db.ts';

/**
 * Says what proves that a missing file was there or that WAL goes on behind it, as it reads behind "the file is missing, but ";
 * undefined when nothing does. The proof may be the file itself, when it came meanwhile.
 * @throws {ArchiveEmptyError} when there is no WAL at all to tell by, or none in an archive that is known to have had some
 * @throws {FileSystemError} when a directory cannot be read
 * @throws {WalFileError} when a history file is damaged
 */
export async function findProofOfHole(options: WalReadOptions, missing: WalFileName): Promise<string | undefined> {
  const holdings = await Holdings.read(options.directories);
  const sample = await holdings.first();
  if (sample === undefined) throw new ArchiveEmptyError(options.directories.wals);
  if (holdings.isArchiveEmpty && missing.kind !== 'backup') await refuseVanishedArchive(options, holdings);
  if (missing.kind === 'segment') return proofForSegment({ options, holdings, missing, sample });
  // Timeline 1 has no history file, and nothing needs a backup history or a partial file.
  if (missing.kind !== 'history' || missing.timelineId === 1) return undefined;
  return isThere(await holdings.fromTimeline(missing.timelineId)) ?? (await proofInXlogDb(options, missing));
}

/** What waits tells nothing when the archive is not there. */
async function refuseVanishedArchive(options: WalReadOptions, holdings: Holdings): Promise<void> {
  const trace = await findTraceOfArchive(options, holdings.waitingNames);
  // The first file of all may have come into the archive meanwhile.
  if (trace === undefined || !(await Holdings.read(options.directories)).isArchiveEmpty) return;
  throw new ArchiveEmptyError(options.directories.wals, trace);
}

function isThere(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `"${name}" is there`;
}

async function proofForSegment(given: {
  readonly options: WalReadOptions;
  readonly holdings: Holdings;
  readonly missing: SegmentFileName;
  readonly sample: SegmentFileName;
}): Promise<string | undefined> {
  const { options, holdings, missing, sample } = given;
  const position = positionOf(missing);
  const { begin, heirs } = await kinshipOf(options, missing.timelineId, { sample, holdings });
  if (begin !== undefined && position < begin) return undefined;
  const deleted = await proofOfDeletion(options, missing);
  if (deleted !== undefined) return deleted;
  const own = await holdings.from(missing);
  if (own !== undefined) return isThere(own);
  for (const heir of heirs.filter(({ leftAt }) => leftAt === undefined || position < leftAt)) {
    const later = await holdings.later(heir.timelineId, position);
    if (later !== undefined) return isThere(later);
  }
  return await proofOnRecord(options, missing, holdings);
}

async function proofOfDeletion(
  { deletionRecordPath: path }: WalReadOptions,
  missing: SegmentFileName,
): Promise<string | undefined> {
  const deleted = path === undefined ? undefined : deletionOf(await readDeletionRecord(path), missing);
  if (deleted === undefined) return undefined;
  return `WAL of its timeline was deleted by the retention policy through "${deleted.name}" (${deleted.at})`;
}

/** Traces of a segment that is nowhere any more. */
async function proofOnRecord(options: WalReadOptions, missing: SegmentFileName, holdings: Holdings): Promise<string | undefined> {
  const received = options.receivedThrough === undefined ? undefined : tryParseWalFileName(options.receivedThrough);
  const isReceived = received?.timelineId === missing.timelineId && positionOf(missing) <= positionOf(received);
  // The last segment that was received may be the partial one that is there.
  const isLast = isReceived && positionOf(missing) === positionOf(received) && holdings.waitsInPart(missing);
  if (isReceived && !isLast) return `WAL was received through "${received.name}"`;
  return await proofInXlogDb(options, missing);
}

async function proofInXlogDb({ xlogDbPath }: WalReadOptions, missing: WalFileName): Promise<string | undefined> {
  const entries = xlogDbPath === undefined ? [] : await readXlogDb(xlogDbPath);
  return entries.some((entry) => entry.name === missing.name) ? `"${xlogDbPath}" lists it` : undefined;
}

/** A timeline that goes on from another one, and the position in names where it left that; undefined when nobody knows. */
interface Heir {
  readonly timelineId: TimelineId;
  readonly leftAt: string | undefined;
}

/** Where a timeline begins and where others left it, as positions in names; the segment size is asked for only if there is any such place. */
async function kinshipOf(
  options: WalReadOptions,
  timelineId: TimelineId,
  { sample, holdings }: { readonly sample: SegmentFileName; readonly holdings: Holdings },
): Promise<{ readonly begin: string | undefined; readonly heirs: readonly Heir[] }> {
  const timelines = await Timelines.read(options.directories);
  const begin = timelines.beginOf(timelineId);
  const descendants = timelines.descendantsOf(timelineId);
  const strangers = holdings.timelines
    .filter((other) => other > timelineId && timelines.ancestorsOf(other).length === 0)
    .map((other) => ({ timelineId: other, leftAt: undefined }));
  if (begin === undefined && descendants.length === 0) return { begin, heirs: strangers };
  const size = await segmentSizeOf(options, sample);
  const positionAt = (lsn: Lsn): string => positionOf({ name: walFileNameAt(timelineId, lsn, size) });
  return {
    begin: begin === undefined ? undefined : positionAt(begin),
    heirs: [...descendants.map((heir) => ({ timelineId: heir.timelineId, leftAt: positionAt(heir.leftAt) })), ...strangers],
  };
}

/** The segments of all directories, complete or partial. Those in the archive are listed only as far as asked for. */
class Holdings {
  readonly #waiting: readonly SegmentFileName[];
  readonly #histories: readonly WalFileName[];
  readonly #hashDirectories: readonly HashDirectory[];
  readonly #hasArchivedHistories: boolean;
  readonly #directories: WalDirectories;

  private constructor(
    directories: WalDirectories,
    waiting: readonly WalFileName[],
    root: Awaited<ReturnType<typeof archiveRoot>>,
  ) {
    this.#directories = directories;
    this.#waiting = waiting.filter(isSegmentFile);
    this.#histories = [...waiting.filter((file) => file.kind === 'history'), ...root.histories];
    this.#hashDirectories = root.hashDirectories;
    this.#hasArchivedHistories = root.histories.length > 0;
  }

  static async read(directories: WalDirectories): Promise<Holdings> {
    const waiting = await waitingFiles(directories);
    return new Holdings(directories, waiting, await archiveRoot(directories.wals));
  }

  /** Whether nothing at all is in the archive. */
  get isArchiveEmpty(): boolean {
    return this.#hashDirectories.length === 0 && !this.#hasArchivedHistories;
  }

  /** Names of the segments that wait to be archived. */
  get waitingNames(): readonly string[] {
    return this.#waiting.map(({ name }) => name);
  }

  /** The timelines of the segments. */
  get timelines(): readonly TimelineId[] {
    return [...new Set([...this.#waiting, ...this.#hashDirectories].map((file) => file.timelineId))];
  }

  /** Some segment: a complete one if there is any, since it surely has a first page. */
  async first(): Promise<SegmentFileName | undefined> {
    const complete = this.#waiting.find((file) => file.kind === 'segment');
    if (complete !== undefined) return complete;
    let [partial] = this.#waiting;
    for (const directory of this.#hashDirectories) {
      const archived = await this.#archived(directory);
      const whole = archived.find((file) => file.kind === 'segment');
      if (whole !== undefined) return whole;
      partial ??= archived[0];
    }
    return partial;
  }

  /** Whether the beginning of a segment is at hand, as a partial one. */
  waitsInPart(segment: SegmentFileName): boolean {
    return this.#waiting.some((file) => file.kind === 'partial' && file.name.startsWith(segment.name));
  }

  /** A segment or history file of this or a higher timeline. */
  async fromTimeline(timelineId: TimelineId): Promise<string | undefined> {
    const known = [...this.#waiting, ...this.#histories].find((file) => file.timelineId >= timelineId);
    if (known !== undefined) return known.name;
    for (const directory of this.#hashDirectories.filter((candidate) => candidate.timelineId >= timelineId)) {
      const archived = (await this.#archived(directory))[0];
      if (archived !== undefined) return archived.name;
    }
    return undefined;
  }

  /** A segment of the timeline behind this position. */
  later(timelineId: TimelineId, position: string): Promise<string | undefined> {
    return this.#find(timelineId, position, (file) => positionOf(file) > position);
  }

  /** This segment, or one of its timeline behind it. */
  from({ timelineId, name }: SegmentFileName): Promise<string | undefined> {
    const position = positionOf({ name });
    return this.#find(timelineId, position, (file) => file.name === name || positionOf(file) > position);
  }

  async #find(
    timelineId: TimelineId,
    position: string,
    isWanted: (file: SegmentFileName) => boolean,
  ): Promise<string | undefined> {
    const waiting = this.#waiting.find((file) => file.timelineId === timelineId && isWanted(file));
    if (waiting !== undefined) return waiting.name;
    const logId = position.slice(0, 8);
    const directories = this.#hashDirectories.filter((dir) => dir.timelineId === timelineId && dir.name.slice(8) >= logId);
    for (const directory of directories.toReversed()) {
      const archived = (await this.#archived(directory)).find((file) => file.timelineId === timelineId && isWanted(file));
      if (archived !== undefined) return archived.name;
    }
    return undefined;
  }

  async #archived(directory: HashDirectory): Promise<readonly SegmentFileName[]> {
    return (await archivedFilesIn(this.#directories.wals, directory)).filter(isSegmentFile);
  }
}
