/** What a whole look at one segment finds. A plain value: what the catalogue keeps of it. */
import type { Lsn, TimelineId, WalFault, WalSegmentSize, WalStatistics } from '@walvault/wal';

/** What a whole look at one segment found. */
export interface SegmentFacts {
  /** Name of the file, with `.partial` if it has that. */
  readonly name: string;
  readonly timelineId: TimelineId;
  readonly startLsn: Lsn;
  readonly walSegmentSize: WalSegmentSize;
  readonly systemIdentifier: bigint;
  /** Magic of its pages. */
  readonly magic: number;
  /** In hexadecimal, of the content before compression. */
  readonly sha256: string;
  readonly verdict: 'good' | 'bad';
  readonly fault: WalFault | undefined;
  /** Whether it continues its predecessor, checked with its seam. Broken: right in itself, but it does not follow. */
  readonly link: 'proven' | 'unknown' | 'broken';
  /** Whole right records up to here. */
  readonly verifiedLsn: Lsn;
  readonly statistics: WalStatistics;
  /** What the check of the successor begins with. */
  readonly seam: Uint8Array | undefined;
}
