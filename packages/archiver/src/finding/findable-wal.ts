/** The WAL of a server as something to search in: the segments that there are, how timelines descend, what is known of each segment. */
import {
  addToLsn,
  type Lsn,
  parseWalFileName,
  readPageHeader,
  type SegmentNumber,
  segmentEndLsn,
  segmentNumberOf,
  segmentNumberOfName,
  type TimelineId,
  type WalEvent,
  walFileName,
  WalvaultError,
  type WalSegmentSize,
} from '@walvault/wal';
import { SegmentInspection } from '../checking/segment-inspection.ts';
import { predecessorName } from '../checking/predecessor-name.ts';
import { Catalog } from '../catalog/catalog.ts';
import { CatalogError } from '../catalog/errors.ts';
import { openWal, type WalReadOptions } from '../restoring/open-wal.ts';
import { isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';
import type { WalHole } from '../wal-files/list-archive.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { SegmentIndex } from './segment-index.ts';
import { SegmentScanner } from './segment-scanner.ts';
import { type ChainPiece, TimelineChain } from './timeline-chain.ts';
import { type MappedSegment, WalMap } from './wal-map.ts';
import type { FoundRestorePoint, SegmentRange } from '../catalog/catalog-search.ts';

/** How to look. */
export interface FindableWalOptions {
  readonly reading: WalReadOptions;
  readonly catalogPath: string;
  /** Called before a segment is read that the catalogue does not know. */
  readonly onRead?: ((name: string, done: number, total: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Opened WAL; dispose of it when done. */
export class FindableWal implements Disposable {
  readonly map: WalMap;
  readonly timelines: Timelines;
  readonly index: SegmentIndex;
  readonly scanner: SegmentScanner;
  /** Why the catalogue was of no use, if it was not. */
  readonly catalogError: CatalogError | undefined;
  readonly #options: FindableWalOptions;
  readonly #catalog: Catalog | undefined;
  readonly #unreadable = new Map<string, WalvaultError>();
  #read = 0;

  private constructor(options: FindableWalOptions, catalog: Catalog | CatalogError, map: WalMap, timelines: Timelines) {
    this.#options = options;
    this.#catalog = catalog instanceof CatalogError ? undefined : catalog;
    this.catalogError = catalog instanceof CatalogError ? catalog : undefined;
    this.map = map;
    this.timelines = timelines;
    this.index = new SegmentIndex(this.#catalog);
    const { reading, signal } = options;
    this.scanner = new SegmentScanner({ reading, map, catalog: this.#catalog, signal });
  }

  /**
   * Lists the files and opens the catalogue, which need not be there or usable.
   * @returns undefined when there is no segment at all
   * @throws {FileSystemError} when a directory cannot be read
   * @throws {WalFileError} when a history file is damaged
   */
  static async open(options: FindableWalOptions): Promise<FindableWal | undefined> {
    const timelines = await Timelines.read(options.reading.directories);
    const map = await WalMap.read(options.reading);
    if (map === undefined) return undefined;
    return new FindableWal(options, openCatalog(options.catalogPath), map, timelines);
  }

  /** The cluster whose WAL this is, as far as that is known. */
  get systemIdentifier(): bigint | undefined {
    return this.#options.reading.systemIdentifier;
  }

  /** The magic of the pages of a segment, complete or not, as its first page says; undefined when it is not there. */
  async magicOf(name: string): Promise<number | undefined> {
    await using wal = await openWal(this.#options.reading, name, { partial: true });
    for await (const chunk of wal?.bytes() ?? []) return readPageHeader(chunk).magic;
    return undefined;
  }

  /** All restore points in order of LSN. One in front of a switchpoint is in two files, and belongs to the older timeline. */
  async restorePoints(): Promise<readonly FoundRestorePoint[]> {
    const found = new Map<string, FoundRestorePoint>();
    for (const timelineId of this.map.timelineIds) await this.#collectRestorePoints(this.chain(timelineId), found);
    return [...found.values()].toSorted((one, other) => (one.lsn < other.lsn ? -1 : 1));
  }

  async #collectRestorePoints(chain: TimelineChain, found: Map<string, FoundRestorePoint>): Promise<void> {
    await this.learn(chain);
    const add = (point: FoundRestorePoint): void => {
      const timelineId = chain.pieceAt(point.lsn).timelineId;
      found.set(`${timelineId} ${point.lsn}`, { ...point, timelineId });
    };
    const inFile = ({ timelineId, segment }: FoundRestorePoint): boolean =>
      chain.pieceOfSegment(segment).timelineId === timelineId;
    this.index.restorePoints().filter(inFile).forEach(add);
    const partial = this.partialEnd(chain);
    if (partial === undefined) return;
    const { timelineId, segment } = partial;
    await this.scanner.scan(chain, segment, {
      onEvent: ({ kind, name, time = 0n, lsn, endLsn }) => {
        if (kind === 'restorePoint' && name !== undefined) add({ name, time, lsn, endLsn, timelineId, segment });
      },
    });
  }

  /** Segments that could not be read, and why. */
  get unreadable(): ReadonlyMap<string, WalvaultError> {
    return this.#unreadable;
  }

  /** How many segments of the archive were read because the catalogue does not know them. */
  get segmentsRead(): number {
    return this.#read;
  }

  /** The newest timeline of which there is WAL. */
  get newestTimeline(): TimelineId {
    const newest = this.map.timelineIds.at(-1);
    if (newest === undefined) throw new Error('a map without segments has no timelines');
    return newest;
  }

  chain(timelineId: TimelineId): TimelineChain {
    return new TimelineChain(timelineId, this.timelines, this.map.walSegmentSize);
  }

  /**
   * Reads the segments of a chain that the catalogue does not know, oldest first.
   * @param until when it says so, the rest need not be known
   */
  async learn(chain: TimelineChain, until: () => boolean = () => false): Promise<void> {
    const unknown = chain.pieces.flatMap((piece) => this.index.unknown(this.map.segmentsOf(piece)));
    for (const [done, file] of unknown.entries()) {
      if (until()) return;
      this.#options.signal.throwIfAborted();
      this.#options.onRead?.(file.name, done, unknown.length);
      await this.#learnOne(file);
    }
  }

  /** The last commit before an LSN on a chain, if there is one in the segments that are there. */
  async lastCommitBefore(chain: TimelineChain, lsn: Lsn): Promise<WalEvent | undefined> {
    const own = segmentNumberOf(lsn, this.map.walSegmentSize);
    for (const segment of [own, this.lastCommitted(chain, own)]) {
      let last: WalEvent | undefined;
      const onEvent = (event: WalEvent): void => {
        if (isCommit(event) && event.lsn < lsn) last = event;
      };
      if (segment !== undefined) await this.scanner.scan(chain, segment, { onEvent });
      if (last !== undefined) return last;
    }
    return undefined;
  }

  /** Name of a segment. */
  nameOf(timelineId: TimelineId, segment: SegmentNumber): string {
    return walFileName(timelineId, segment, this.map.walSegmentSize);
  }

  /** Number of the segment of that name. */
  numberOf(name: string): SegmentNumber {
    return segmentNumberOfName(parseWalFileName(name) as SegmentFileName, this.map.walSegmentSize);
  }

  /** The hole in a chain that a missing segment lies in. */
  holeAt(chain: TimelineChain, segment: SegmentNumber): WalHole {
    const name = this.nameOf(chain.pieceOfSegment(segment).timelineId, segment);
    const first = this.firstComplete(chain)?.segment ?? segment;
    const last = this.lastComplete(chain)?.segment ?? segment;
    const holes = this.map.holes(chain, first < segment ? first : segment, last > segment ? last : segment);
    return holes.find((hole) => hole.first <= name && name <= hole.last) ?? { first: name, last: name, count: 1 };
  }

  /** The last segment before one on a chain with a commit in it. */
  lastCommitted(chain: TimelineChain, before: SegmentNumber): SegmentNumber | undefined {
    for (const piece of chain.pieces.toReversed()) {
      const end = before < piece.endSegment ? before : piece.endSegment;
      const found = this.index.lastCommitted({ ...rangeOf(piece), end });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The incomplete segment with which a chain goes on behind its last complete one, if there is one. */
  partialEnd(chain: TimelineChain): MappedSegment | undefined {
    const partial = this.map.partials(chain.timelineId).at(-1);
    const last = this.lastComplete(chain);
    return partial !== undefined && (last === undefined || partial.segment > last.segment) ? partial : undefined;
  }

  lastComplete(chain: TimelineChain): MappedSegment | undefined {
    for (const piece of chain.pieces.toReversed()) {
      const last = this.map.segmentsOf(piece).at(-1);
      if (last !== undefined) return last;
    }
    return undefined;
  }

  firstComplete(chain: TimelineChain): MappedSegment | undefined {
    for (const piece of chain.pieces) {
      const [first] = this.map.segmentsOf(piece);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.index[Symbol.dispose]();
    this.#catalog?.[Symbol.dispose]();
  }

  async #learnOne(file: MappedSegment): Promise<void> {
    const { reading } = this.#options;
    const name = parseWalFileName(file.name);
    if (!isSegmentFile(name)) return;
    const previous = predecessorName(name, this.map.walSegmentSize, this.timelines);
    const predecessor = previous === undefined ? undefined : (this.#catalog?.seamOf(previous) ?? this.index.seamOf(previous));
    const inspection = new SegmentInspection(name, { ...reading, walSegmentSize: this.map.walSegmentSize, predecessor });
    try {
      await using wal = await openWal(reading, file.name);
      for await (const chunk of wal?.bytes() ?? []) inspection.take(chunk);
      const entry = { facts: inspection.finish(), storedBytes: 0, compression: undefined, modifiedAt: 0, archivedAt: 0 };
      this.index.note(entry);
    } catch (error) {
      if (!WalvaultError.is(error)) throw error;
      this.#unreadable.set(file.name, error);
      this.index.noteUnreadable(file.name);
    }
    if (file.location === 'archive') this.#read += 1;
  }
}

/** The segments of a piece. */
export function rangeOf(piece: ChainPiece): SegmentRange {
  return { timelineId: piece.timelineId, first: piece.firstSegment, end: piece.endSegment };
}

/** Whether an event is the commit of a transaction. */
export function isCommit({ kind }: WalEvent): boolean {
  return kind === 'commit' || kind === 'commitPrepared';
}

/** Whether an event ends a transaction: where recovery looks whether to stop. */
export function endsTransaction(event: WalEvent): boolean {
  return isCommit(event) || event.kind === 'abort' || event.kind === 'abortPrepared';
}

/** The segment in which a record ends, which must be there to read it. */
export function segmentOfEnd(endLsn: Lsn, walSegmentSize: WalSegmentSize): SegmentNumber {
  return segmentNumberOf(addToLsn(endLsn, -1), walSegmentSize);
}

/** End of a segment as an LSN. */
export function endOf(file: MappedSegment, walSegmentSize: WalSegmentSize): Lsn {
  return segmentEndLsn(file.segment, walSegmentSize);
}

function openCatalog(path: string): Catalog | CatalogError {
  try {
    return Catalog.open(path, { readOnly: true });
  } catch (error) {
    if (error instanceof CatalogError) return error;
    throw error;
  }
}
