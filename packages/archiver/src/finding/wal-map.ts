/** Which segments there are, by the names of the files: in the archive, and on their way to it. */
import {
  type SegmentNumber,
  segmentNumberOfName,
  type TimelineId,
  walFileName,
  type WalFileName,
  type WalSegmentSize,
  WalFormatError,
} from '@walvault/wal';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { archivedFilesIn, archiveRoot, walFilesIn } from '../wal-files/directory-listing.ts';
import { isSegmentFile, type SegmentFileName, type WalDirectories } from '../wal-files/layout.ts';
import type { WalHole } from '../wal-files/list-archive.ts';
import { sampledSegmentSize } from '../wal-files/sampled-segment-size.ts';
import { runsOf } from '../wal-files/segment-runs.ts';
import type { WalLocation } from '../wal-files/find-wal.ts';
import type { ChainPiece, TimelineChain } from './timeline-chain.ts';

/** One file. */
export interface MappedSegment {
  readonly name: string;
  readonly timelineId: TimelineId;
  readonly segment: SegmentNumber;
  readonly location: WalLocation;
  readonly isPartial: boolean;
}

interface TimelineMap {
  readonly complete: Map<SegmentNumber, MappedSegment>;
  readonly partial: Map<SegmentNumber, MappedSegment>;
}

/** All segments of a server. */
export class WalMap {
  readonly walSegmentSize: WalSegmentSize;
  readonly #timelines = new Map<TimelineId, TimelineMap>();
  readonly #sorted = new Map<TimelineId, readonly MappedSegment[]>();

  constructor(walSegmentSize: WalSegmentSize) {
    this.walSegmentSize = walSegmentSize;
  }

  /**
   * Lists all directories.
   * @returns undefined when there is no segment, or none that tells how large they are
   * @throws {FileSystemError} when one cannot be read
   */
  static async read(reading: WalReadOptions): Promise<WalMap | undefined> {
    const files = await segmentFiles(reading.directories);
    const walSegmentSize = await sampledSegmentSize(
      reading,
      files.map(([file]) => file),
    );
    if (walSegmentSize === undefined) return undefined;
    const map = new WalMap(walSegmentSize);
    for (const [file, location] of files) map.#add(file, location);
    return map;
  }

  /** Timelines of which there is any segment, in order. */
  get timelineIds(): readonly TimelineId[] {
    return [...this.#timelines.keys()].toSorted((a, b) => a - b);
  }

  /** The file of a complete segment. */
  complete(timelineId: TimelineId, segment: SegmentNumber): MappedSegment | undefined {
    return this.#timelines.get(timelineId)?.complete.get(segment);
  }

  /** The file of a segment: the complete one, or else the incomplete one. */
  file(timelineId: TimelineId, segment: SegmentNumber): MappedSegment | undefined {
    return this.complete(timelineId, segment) ?? this.#timelines.get(timelineId)?.partial.get(segment);
  }

  /** The incomplete segments of a timeline that no complete one stands for, in order. */
  partials(timelineId: TimelineId): readonly MappedSegment[] {
    const { complete, partial } = this.#timelines.get(timelineId) ?? empty;
    return [...partial.values()].filter(({ segment }) => !complete.has(segment)).toSorted(bySegment);
  }

  /** The complete segments of a part of a chain, oldest first. */
  segmentsOf({ timelineId, firstSegment, endSegment }: ChainPiece): readonly MappedSegment[] {
    return this.segmentsOfTimeline(timelineId).filter(({ segment }) => segment >= firstSegment && segment < endSegment);
  }

  /** All complete segments of a timeline, in order. */
  segmentsOfTimeline(timelineId: TimelineId): readonly MappedSegment[] {
    const known = this.#sorted.get(timelineId);
    if (known !== undefined) return known;
    const sorted = [...(this.#timelines.get(timelineId) ?? empty).complete.values()].toSorted(bySegment);
    this.#sorted.set(timelineId, sorted);
    return sorted;
  }

  /** Whether a timeline has segments, complete or not, from one on. */
  reaches(timelineId: TimelineId, from: SegmentNumber): boolean {
    const { complete, partial } = this.#timelines.get(timelineId) ?? empty;
    const isBehind = (segment: SegmentNumber): boolean => segment >= from;
    return [...partial.keys()].some(isBehind) || [...complete.keys()].some(isBehind);
  }

  /**
   * What is missing of a chain from one segment to another, both included. An incomplete segment counts for the last one only.
   */
  holes(chain: TimelineChain, first: SegmentNumber, last: SegmentNumber): readonly WalHole[] {
    const holes: WalHole[] = [];
    for (const piece of chain.pieces) {
      const from = first > piece.firstSegment ? first : piece.firstSegment;
      const end = last + 1n < piece.endSegment ? ((last + 1n) as SegmentNumber) : piece.endSegment;
      if (from < end) holes.push(...this.#missing(piece.timelineId, from, end, last));
    }
    return holes;
  }

  #missing(timelineId: TimelineId, from: SegmentNumber, end: SegmentNumber, last: SegmentNumber): readonly WalHole[] {
    const { complete, partial } = this.#timelines.get(timelineId) ?? empty;
    const there = [...complete.keys()].filter((segment) => segment >= from && segment < end);
    if (last >= from && last < end && partial.has(last)) there.push(last);
    const name = (segment: bigint): string => walFileName(timelineId, segment as SegmentNumber, this.walSegmentSize);
    const holes: WalHole[] = [];
    let expected: bigint = from;
    for (const run of [...runsOf(there), { first: end, last: end }]) {
      if (expected < run.first)
        holes.push({ first: name(expected), last: name(run.first - 1n), count: Number(run.first - expected) });
      expected = run.last + 1n;
    }
    return holes;
  }

  #add(file: SegmentFileName, location: WalLocation): void {
    const { name, timelineId } = file;
    let segment: SegmentNumber;
    try {
      segment = segmentNumberOfName(file, this.walSegmentSize);
    } catch (error) {
      // A name that this segment size does not allow; list-archive tells it.
      if (error instanceof WalFormatError) return;
      throw error;
    }
    const timeline = this.#timelines.get(timelineId) ?? { complete: new Map(), partial: new Map() };
    this.#timelines.set(timelineId, timeline);
    const isPartial = file.kind === 'partial';
    timeline[isPartial ? 'partial' : 'complete'].set(segment, { name, timelineId, segment, location, isPartial });
  }
}

/** In the order in which files move, so that one on its way is not missed. */
async function segmentFiles(directories: WalDirectories): Promise<readonly (readonly [SegmentFileName, WalLocation])[]> {
  const files: [SegmentFileName, WalLocation][] = [];
  const add = (found: readonly WalFileName[], location: WalLocation): void => {
    for (const file of found) if (isSegmentFile(file)) files.push([file, location]);
  };
  for (const location of ['streaming', 'incoming'] as const) {
    const directory = directories[location];
    if (directory !== undefined) add(await walFilesIn(directory), location);
  }
  const { hashDirectories } = await archiveRoot(directories.wals);
  for (const directory of hashDirectories) add(await archivedFilesIn(directories.wals, directory), 'archive');
  return files;
}

const empty: TimelineMap = { complete: new Map(), partial: new Map() };

function bySegment(one: MappedSegment, other: MappedSegment): number {
  return one.segment < other.segment ? -1 : one.segment > other.segment ? 1 : 0;
}
