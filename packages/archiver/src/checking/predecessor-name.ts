/** Which segment comes before one, over timelines. */
import { addToLsn, segmentNumberOfName, startLsnOfName, walFileNameAt, type WalSegmentSize } from '@walvault/wal';
import type { SegmentFileName } from '../wal-files/layout.ts';
import type { Timelines } from '../wal-files/timelines.ts';

/**
 * Name of the segment before one. The segment with the switchpoint exists on both timelines and has the beginning of the older one
 * in it, so the first segment of a timeline follows one of an ancestor; which one, the history files tell. Without them it is taken
 * to be of the same timeline.
 * @returns undefined for the first segment that there can be
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME` when the name cannot exist with this segment size
 */
export function predecessorName(file: SegmentFileName, walSegmentSize: WalSegmentSize, timelines: Timelines): string | undefined {
  if (segmentNumberOfName(file, walSegmentSize) <= 1n) return undefined;
  const lastByte = addToLsn(startLsnOfName(file, walSegmentSize), -1);
  return walFileNameAt(timelines.timelineAt(file.timelineId, lastByte), lastByte, walSegmentSize);
}
