/** Missing segments, with their places in the WAL. */
import {
  formatLsn,
  parseWalFileName,
  segmentEndLsn,
  segmentNumberOfName,
  segmentStartLsn,
  type WalSegmentSize,
} from '@walvault/wal';
import type { MissingRange } from '../schema/coverage.ts';

/** The start of the segment of that name, and its end. */
export function spanOfSegment(
  name: string,
  size: WalSegmentSize,
): { readonly fromLsn: string; readonly toLsn: string } | undefined {
  const file = parseWalFileName(name);
  if (file.kind !== 'segment' && file.kind !== 'partial') return undefined;
  const segment = segmentNumberOfName(file, size);
  return { fromLsn: formatLsn(segmentStartLsn(segment, size)), toLsn: formatLsn(segmentEndLsn(segment, size)) };
}

/** See {@link MissingRange}. */
export function missingRangeView(
  { first, last, count }: { readonly first: string; readonly last: string; readonly count: number },
  size: WalSegmentSize,
): MissingRange {
  const fromLsn = spanOfSegment(first, size)?.fromLsn ?? '0/0';
  return { first, last, count, fromLsn, toLsn: spanOfSegment(last, size)?.toLsn ?? fromLsn };
}
