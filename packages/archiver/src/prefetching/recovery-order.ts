/**
 * Which segments recovery will ask for behind one that it has asked for. Pure.
 *
 * Follows XLogFileReadAnyTLI (access/transam/xlogrecovery.c): on the way to a target timeline a segment has the name of the youngest
 * timeline on that way that has begun in it or before. The target is not told; it is taken to be the newest timeline that
 * can be reached from here (`recovery_target_timeline = latest`). A recovery that goes elsewhere asks for another segment than this says,
 * and from that one the order is another.
 */
import {
  addToLsn,
  segmentEndLsn,
  segmentNumberOf,
  startLsnOfName,
  type TimelineId,
  timelineAt,
  walFileNameAt,
  type WalSegmentSize,
} from '@walvault/wal';
import type { SegmentFileName } from '../wal-files/layout.ts';
import type { Timelines } from '../wal-files/timelines.ts';

/** The names of the next `count` segments behind `file`, whether they are there or not. */
export function segmentsBehind(
  file: SegmentFileName,
  count: number,
  given: { readonly walSegmentSize: WalSegmentSize; readonly timelines: Timelines },
): readonly string[] {
  const { walSegmentSize, timelines } = given;
  const target = targetOf(file, given);
  const names: string[] = [];
  for (let lsn = lastByteOf(file, walSegmentSize); names.length < count; ) {
    lsn = addToLsn(lsn, walSegmentSize);
    // The youngest timeline that has begun in a segment is the one that its last byte belongs to.
    names.push(walFileNameAt(timelineAt(target, timelines.ancestorsOf(target), lsn), lsn, walSegmentSize));
  }
  return names;
}

/** The newest timeline that goes on from the timeline of `file`, and left it behind that segment; that timeline itself if there is none. */
function targetOf(
  file: SegmentFileName,
  { timelines, walSegmentSize }: { readonly walSegmentSize: WalSegmentSize; readonly timelines: Timelines },
): TimelineId {
  const lastByte = lastByteOf(file, walSegmentSize);
  const reachable = [...timelines.withHistory].filter((timelineId) =>
    timelines.ancestorsOf(timelineId).some((left) => left.timelineId === file.timelineId && left.switchLsn > lastByte),
  );
  return reachable.toSorted((a, b) => b - a)[0] ?? file.timelineId;
}

function lastByteOf(file: SegmentFileName, walSegmentSize: WalSegmentSize): ReturnType<typeof startLsnOfName> {
  return addToLsn(segmentEndLsn(segmentNumberOf(startLsnOfName(file, walSegmentSize), walSegmentSize), walSegmentSize), -1);
}
