/**
 * Where a recovery target lies, to the segment, by what the catalogue knows: no segment is read for it, so that it can be asked often. To
 * the record, and in what the catalogue does not know, `findTarget` says it.
 */
import { addToLsn, type Lsn, type SegmentNumber, segmentEndLsn, segmentNumberOf, segmentStartLsn } from '@walvault/wal';
import { endOf, type FindableWal, rangeOf, segmentOfEnd } from './findable-wal.ts';
import type { FindRequest } from './find-target.ts';
import type { TargetPlace, WalReach } from './recovery-target.ts';
import type { TimelineChain } from './timeline-chain.ts';

/** A target, to the segment. */
export interface LocatedTarget {
  /**
   * `found`; `before` and `beyond` what is there; `absent`: no segment has it; `hole`: it lies in a segment that is missing; `unknown`: it may lie
   * in a segment that the catalogue does not know, or that is still being received.
   */
  readonly finding: 'found' | 'before' | 'beyond' | 'absent' | 'hole' | 'unknown';
  /**
   * Undefined unless it was found, or may be there. Its LSNs are exact for an LSN and a restore point; otherwise they are those of the segment in
   * which recovery stops.
   */
  readonly place: TargetPlace | undefined;
  readonly isExact: boolean;
  readonly reach: Omit<WalReach, 'partial'>;
  /** Segments on the way that the catalogue does not know. */
  readonly unknownSegments: number;
}

/** How to look. */
export interface LocateOptions {
  readonly request: FindRequest;
  /** Up to where the last, incomplete segment is known to be good; undefined when that is not known. */
  readonly receivedLsn: Lsn | undefined;
}

/** What does not depend on what is asked, and takes longest to find out. */
export type ChainExtent = Pick<LocatedTarget, 'reach' | 'unknownSegments'>;

/** Finds that out. */
export function extentOf(wal: FindableWal, chain: TimelineChain): ChainExtent {
  const unknownSegments = chain.pieces.reduce((sum, piece) => sum + wal.index.unknown(wal.map.segmentsOf(piece)).length, 0);
  return { reach: reachOf(wal, chain), unknownSegments };
}

/** Looks on one timeline and what it came from. */
export function locateTarget(
  wal: FindableWal,
  chain: TimelineChain,
  { reach, unknownSegments }: ChainExtent,
  options: LocateOptions,
): LocatedTarget {
  const hasMore = unknownSegments > 0 || wal.partialEnd(chain) !== undefined;
  const located = new Locator(wal, chain, options).locate(hasMore);
  return { ...located, isExact: isExact(options.request), reach, unknownSegments };
}

function isExact({ target }: FindRequest): boolean {
  return target.kind === 'lsn' || target.kind === 'name';
}

type Located = Pick<LocatedTarget, 'finding' | 'place'>;

class Locator {
  readonly #wal: FindableWal;
  readonly #chain: TimelineChain;
  readonly #options: LocateOptions;

  constructor(wal: FindableWal, chain: TimelineChain, options: LocateOptions) {
    this.#wal = wal;
    this.#chain = chain;
    this.#options = options;
  }

  locate(hasMore: boolean): Located {
    const { target } = this.#options.request;
    switch (target.kind) {
      case 'lsn':
        return this.#byLsn(target.lsn);
      case 'name':
        return this.#byName(target.name, hasMore);
      case 'time':
        return this.#byTime(target.time, hasMore);
      case 'xid':
        return this.#byXid(target.xid, hasMore);
    }
  }

  #byLsn(lsn: Lsn): Located {
    const wal = this.#wal;
    const size = wal.map.walSegmentSize;
    const segment = segmentNumberOf(lsn, size);
    const first = wal.firstComplete(this.#chain);
    if (first === undefined || segment < first.segment) return nowhere('before');
    const file = wal.map.file(this.#chain.pieceOfSegment(segment).timelineId, segment);
    const last = wal.lastComplete(this.#chain);
    if (file === undefined) return nowhere(last !== undefined && segment < last.segment ? 'hole' : 'beyond');
    const place = this.#place(lsn, addToLsn(lsn, 1));
    if (!file.isPartial) return { finding: 'found', place };
    const { receivedLsn } = this.#options;
    if (receivedLsn === undefined) return { finding: 'unknown', place };
    return lsn < receivedLsn ? { finding: 'found', place } : nowhere('beyond');
  }

  #byName(name: string, hasMore: boolean): Located {
    const points = this.#wal.index.restorePoints(name);
    const here = points.filter(({ timelineId, segment }) => this.#chain.pieceOfSegment(segment).timelineId === timelineId);
    const point = here.at(-1);
    if (point === undefined) return nowhere(hasMore ? 'unknown' : 'absent');
    const place = this.#place(point.lsn, point.endLsn);
    return this.#isThere(place.lastSegment) ? { finding: 'found', place } : nowhere('hole');
  }

  /** Recovery stops in the first segment with a later commit, or, where a transaction was rolled back, not far before it. */
  #byTime(time: bigint, hasMore: boolean): Located {
    const ranges = this.#chain.pieces.map(rangeOf);
    const after = firstOf(ranges.map((range) => this.#wal.index.firstCommittedAfter(range, time)));
    if (after === undefined) return nowhere(hasMore ? 'unknown' : 'beyond');
    const isAnyBefore = ranges.some(
      (range) => this.#wal.index.firstCommittedBefore({ ...range, end: least(range.end, after) }, time) !== undefined,
    );
    const piece = rangeOf(this.#chain.pieceOfSegment(after));
    const own = this.#wal.index.commitTimes({ ...piece, first: after, end: next(after) });
    const isOwnBefore = own !== undefined && own.first <= time;
    if (!isAnyBefore && !isOwnBefore) return nowhere('before');
    return this.#isThere(after) ? { finding: 'found', place: this.#placeOfSegment(after) } : nowhere('hole');
  }

  /** The catalogue has the least and the greatest transaction of a segment, so that this one may be there. */
  #byXid(xid: number, hasMore: boolean): Located {
    const segments = this.#chain.pieces.flatMap((piece) => this.#wal.index.withTransaction(rangeOf(piece), xid));
    const segment = segments.findLast((one) => this.#isThere(one));
    if (segment !== undefined) return { finding: 'unknown', place: this.#placeOfSegment(segment) };
    return nowhere(segments.length > 0 ? 'hole' : hasMore ? 'unknown' : 'absent');
  }

  #isThere(segment: SegmentNumber): boolean {
    return this.#wal.map.file(this.#chain.pieceOfSegment(segment).timelineId, segment) !== undefined;
  }

  /** What is behind the start of the segment is not known: a backup that ends within it may be too late. */
  #placeOfSegment(segment: SegmentNumber): TargetPlace {
    const size = this.#wal.map.walSegmentSize;
    return { ...this.#place(segmentStartLsn(segment, size), segmentEndLsn(segment, size)), isReplayed: false };
  }

  #place(lsn: Lsn, endLsn: Lsn): TargetPlace {
    const wal = this.#wal;
    const size = wal.map.walSegmentSize;
    const segment = segmentNumberOf(lsn, size);
    const lastSegment = segmentOfEnd(endLsn, size);
    return {
      chainTimelineId: this.#chain.timelineId,
      timelineId: this.#chain.pieceAt(lsn).timelineId,
      lsn,
      endLsn,
      event: undefined,
      isReplayed: this.#options.request.inclusive,
      segmentName: wal.nameOf(this.#chain.pieceOfSegment(segment).timelineId, segment),
      lastSegment,
      isInPartial: wal.map.file(this.#chain.pieceOfSegment(lastSegment).timelineId, lastSegment)?.isPartial ?? false,
      lastCommit: undefined,
    };
  }
}

/** How far the complete segments reach. */
function reachOf(wal: FindableWal, chain: TimelineChain): LocatedTarget['reach'] {
  const last = wal.lastComplete(chain);
  const times = chain.pieces.map((piece) => wal.index.commitTimes(rangeOf(piece))).filter((found) => found !== undefined);
  const firsts = times.map(({ first }) => first);
  const lasts = times.map(({ last }) => last);
  return {
    timelineId: chain.timelineId,
    first: wal.firstComplete(chain)?.name,
    last: last?.name,
    endLsn: last === undefined ? undefined : endOf(last, wal.map.walSegmentSize),
    firstCommitTime: firsts.length === 0 ? undefined : firsts.reduce((a, b) => (a < b ? a : b)),
    lastCommitTime: lasts.length === 0 ? undefined : lasts.reduce((a, b) => (a > b ? a : b)),
  };
}

function nowhere(finding: LocatedTarget['finding']): Located {
  return { finding, place: undefined };
}

/** Pieces of a chain follow each other. */
function firstOf(segments: readonly (SegmentNumber | undefined)[]): SegmentNumber | undefined {
  return segments.find((segment) => segment !== undefined);
}

function least(one: SegmentNumber, other: SegmentNumber): SegmentNumber {
  return one < other ? one : other;
}

function next(segment: SegmentNumber): SegmentNumber {
  return (segment + 1n) as SegmentNumber;
}
