import { parseHistoryFile, parseWalFileName, toTimelineId, toWalSegmentSize, type TimelineSwitch } from '@walvault/wal';
import { expect, test } from 'vitest';
import { history, segmentName, segmentSize } from '../../testing.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { segmentsBehind } from './recovery-order.ts';

function timelinesOf(...histories: readonly (readonly [timelineId: number, text: string])[]): Timelines {
  const entries = histories.map(([id, text]): [ReturnType<typeof toTimelineId>, readonly TimelineSwitch[]] => [
    toTimelineId(id),
    parseHistoryFile(toTimelineId(id), text),
  ]);
  return new Timelines(new Map(entries));
}

function behind(name: string, count: number, timelines = timelinesOf(), walSegmentSize = segmentSize): readonly string[] {
  return segmentsBehind(parseWalFileName(name) as SegmentFileName, count, { walSegmentSize, timelines });
}

test('on one timeline the numbers go on, over the end of a log id as the segment size has it', () => {
  expect(behind(segmentName(1, 5), 2)).toEqual([segmentName(1, 6), segmentName(1, 7)]);
  expect(behind('000000010000000000000FFE', 2)).toEqual(['000000010000000000000FFF', '000000010000000100000000']);
  const large = toWalSegmentSize(16 * 1024 * 1024);
  expect(behind('0000000100000000000000FF', 1, undefined, large)).toEqual(['000000010000000100000000']);
});

test('the segment with a switchpoint has the name of the younger timeline, also where two switches are in one', () => {
  const timelines = timelinesOf(
    [2, history([1, '0/580000'])],
    [3, history([1, '0/580000'], [2, '0/8C0000'])],
    [4, history([1, '0/580000'], [2, '0/8C0000'], [3, '0/8F0000'])],
  );
  expect(behind(segmentName(1, 3), 6, timelines)).toEqual([
    segmentName(1, 4),
    segmentName(2, 5),
    segmentName(2, 6),
    segmentName(2, 7),
    segmentName(4, 8),
    segmentName(4, 9),
  ]);
});

test('a switch exactly between two segments leaves the one before it to the older timeline', () => {
  const timelines = timelinesOf([2, history([1, '0/500000'])]);
  expect(behind(segmentName(1, 3), 2, timelines)).toEqual([segmentName(1, 4), segmentName(2, 5)]);
});

test('of several timelines the newest is taken that left behind the segment; one that left before cannot be the target any more', () => {
  const timelines = timelinesOf([2, history([1, '0/580000'])], [3, history([1, '0/780000'])]);
  expect(behind(segmentName(1, 3), 4, timelines)).toEqual([
    segmentName(1, 4),
    segmentName(1, 5),
    segmentName(1, 6),
    segmentName(3, 7),
  ]);
  // Who asks for segment 5 of timeline 2 goes to that timeline; who asks for segment 7 of timeline 1 stays on it.
  expect(behind(segmentName(2, 5), 2, timelines)).toEqual([segmentName(2, 6), segmentName(2, 7)]);
  expect(behind(segmentName(1, 7), 1, timelines)).toEqual([segmentName(1, 8)]);
});
