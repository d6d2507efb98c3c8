/** What a whole look at one segment finds. A plain value: what the catalogue keeps of it. */
import type { Lsn, TimelineId, WalFault, WalSegmentSize, WalStatistics } from '@walvault/wal';

/**
 * What lies behind the last right record of a partial segment: nothing, since the file ends there or is full of right records;
 * zeros, as far as nothing was written yet; the beginning of a record, perhaps with zeros behind it; or bytes that are none of this
 * place, as a server leaves them in files that it uses again.
 */
export type PartialRest = 'nothing' | 'zeros' | 'beginning' | 'stale';

/** What a whole look at one segment found. */
export interface SegmentFacts {
  /** Name of the file, with `.partial` if it has that. */
  readonly name: string;
  readonly timelineId: TimelineId;
  readonly startLsn: Lsn;
  /** What the caller, the segment before or the first page says; 16 MiB where none does. */
  readonly walSegmentSize: WalSegmentSize;
  /** Of the first page; the one that was expected, or 0, where that cannot be read. */
  readonly systemIdentifier: bigint;
  /** Magic of its pages, as the first one says it; 0 where that cannot be read. */
  readonly magic: number;
  /** In hexadecimal, of the content before compression. */
  readonly sha256: string;
  /**
   * A complete segment is good when every page and record in it is right and it has its full size. A partial one is good when
   * all is right up to `verifiedLsn` and what follows can be what was not written: see `rest`. Damage in the page in which the WAL
   * of a partial segment ends looks like that end.
   */
  readonly verdict: 'good' | 'bad';
  readonly fault: WalFault | undefined;
  /**
   * Whether it continues its predecessor, checked with its seam. Proven: the record that goes over the boundary is right, and the
   * first one in here names the last one in there; or no record ends in here, and each page goes on with the one from there.
   * Unknown: there was no seam, or the segment is bad before that can be said. Broken: right in itself, but it does not follow.
   */
  readonly link: 'proven' | 'unknown' | 'broken';
  /** Of a broken link, what does not fit. The catalogue does not keep it. */
  readonly linkFault?: WalFault | undefined;
  /** Bytes at its start that belong to a record from before, as its first page says. The catalogue does not keep it. */
  readonly continuationBytes?: number | undefined;
  /** Whole right records up to here; before `startLsn` when a record from before it is not over. */
  readonly verifiedLsn: Lsn;
  /** Of a partial segment that is good. The catalogue does not keep it. */
  readonly rest?: PartialRest | undefined;
  /** Of the records that end in here. One from before the start counts when the link is proven. */
  readonly statistics: WalStatistics;
  /** What the check of the successor begins with; undefined for a partial and for a bad one. */
  readonly seam: Uint8Array | undefined;
}
