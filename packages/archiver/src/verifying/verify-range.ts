/** Which part of the WAL is to be verified: from one segment to another, by name or LSN, of one timeline or of all. */
import {
  type Lsn,
  parseLsn,
  type SegmentNumber,
  segmentNumberOf,
  segmentNumberOfName,
  type TimelineId,
  tryParseWalFileName,
  type WalSegmentSize,
} from '@walvault/wal';
import { isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';

/** An end of the range: the segment of that name, whatever its timeline, or the one that holds the byte at that LSN. */
export type VerifyEdge = { readonly file: SegmentFileName } | { readonly lsn: Lsn };

/** The range; without an end it is open there. Both ends are part of it. */
export interface VerifyRange {
  readonly from?: VerifyEdge | undefined;
  readonly to?: VerifyEdge | undefined;
  /** Only files that bear this timeline. */
  readonly timelineId?: TimelineId | undefined;
}

/**
 * Reads an end of a range.
 * @throws {WalFormatError} `ERR_INVALID_LSN` when it is neither the name of a segment nor an LSN
 */
export function parseVerifyEdge(text: string): VerifyEdge {
  const file = tryParseWalFileName(text);
  return file !== undefined && isSegmentFile(file) ? { file } : { lsn: parseLsn(text) };
}

/** The range in segments of a known size. */
export class SegmentRange {
  readonly #from: SegmentNumber | undefined;
  readonly #to: SegmentNumber | undefined;
  readonly #timelineId: TimelineId | undefined;

  /** @throws {WalFormatError} for a name that cannot exist with this segment size */
  constructor({ from, to, timelineId }: VerifyRange, walSegmentSize: WalSegmentSize) {
    this.#from = numberOf(from, walSegmentSize);
    this.#to = numberOf(to, walSegmentSize);
    this.#timelineId = timelineId;
  }

  /** Whether a timeline is part of it. */
  hasTimeline(timelineId: TimelineId): boolean {
    return this.#timelineId === undefined || this.#timelineId === timelineId;
  }

  /** Whether a segment is part of it. */
  has(timelineId: TimelineId, segment: SegmentNumber): boolean {
    return this.hasTimeline(timelineId) && segment >= (this.#from ?? 0n) && (this.#to === undefined || segment <= this.#to);
  }

  /** The part of a run of segments that lies in it; undefined when there is none. */
  clip(
    timelineId: TimelineId,
    run: { readonly first: SegmentNumber; readonly last: SegmentNumber },
  ): { readonly first: SegmentNumber; readonly last: SegmentNumber } | undefined {
    if (!this.hasTimeline(timelineId)) return undefined;
    const first = this.#from !== undefined && this.#from > run.first ? this.#from : run.first;
    const last = this.#to !== undefined && this.#to < run.last ? this.#to : run.last;
    return first <= last ? { first, last } : undefined;
  }
}

function numberOf(edge: VerifyEdge | undefined, walSegmentSize: WalSegmentSize): SegmentNumber | undefined {
  if (edge === undefined) return undefined;
  return 'lsn' in edge ? segmentNumberOf(edge.lsn, walSegmentSize) : segmentNumberOfName(edge.file, walSegmentSize);
}
