/**
 * The WAL that a recovery to a timeline replays: that of its ancestors up to where each was left, then its own.
 *
 * Of a segment with a switchpoint the file of the younger timeline is replayed, which begins with a copy of what its parent had
 * there (access/transam/xlogrecovery.c: XLogFileReadAnyTLI).
 */
import { invalidLsn, type Lsn, type SegmentNumber, segmentNumberOf, type TimelineId, type WalSegmentSize } from '@walvault/wal';
import type { Timelines } from '../wal-files/timelines.ts';

/** The part of one timeline in a chain. */
export interface ChainPiece {
  readonly timelineId: TimelineId;
  /** The first byte that is its own; 0 where nothing is known from before. */
  readonly begin: Lsn;
  /** Where it was left; undefined for the last one. */
  readonly end: Lsn | undefined;
  /** The first segment whose file is of this timeline. */
  readonly firstSegment: SegmentNumber;
  /** The first one that is of the next timeline. */
  readonly endSegment: SegmentNumber;
}

/** A timeline with all that it came from, oldest first. */
export class TimelineChain {
  readonly timelineId: TimelineId;
  readonly pieces: readonly ChainPiece[];

  constructor(timelineId: TimelineId, timelines: Timelines, walSegmentSize: WalSegmentSize) {
    this.timelineId = timelineId;
    const steps = [
      ...timelines.ancestorsOf(timelineId).map((entry) => ({ timelineId: entry.timelineId, end: entry.switchLsn })),
      { timelineId, end: undefined },
    ];
    this.pieces = steps.map(({ timelineId, end }, index) => {
      const begin = steps[index - 1]?.end ?? invalidLsn;
      return {
        timelineId,
        begin,
        end,
        firstSegment: segmentNumberOf(begin, walSegmentSize),
        endSegment: end === undefined ? endOfWal : segmentNumberOf(end, walSegmentSize),
      };
    });
  }

  /** The piece that the byte at an LSN belongs to. */
  pieceAt(lsn: Lsn): ChainPiece {
    const piece = this.pieces.find(({ end }) => end === undefined || lsn < end);
    if (piece === undefined) throw new Error('the last piece of a chain has no end');
    return piece;
  }

  /** The piece whose file holds a segment. */
  pieceOfSegment(segment: SegmentNumber): ChainPiece {
    const piece = this.pieces.find(({ endSegment }) => segment < endSegment);
    if (piece === undefined) throw new Error('the last piece of a chain has no end');
    return piece;
  }

  /** Whether the byte before an LSN of a timeline is replayed on the way to this one. */
  contains(timelineId: TimelineId, lsn: Lsn): boolean {
    const piece = this.pieces.find((piece) => piece.timelineId === timelineId);
    return piece !== undefined && (piece.end === undefined || lsn <= piece.end);
  }
}

/** Greater than the number of any segment. */
const endOfWal = 0x7fff_ffff_ffff_ffffn as SegmentNumber;
