import { parseHistoryFile, parseWalFileName, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { history, segmentName, TestServer } from '../../testing.ts';
import { findProofOfHole } from './missing-wal.ts';
import { Timelines } from '../wal-files/timelines.ts';

/** Timeline 2 left timeline 1 in segment 5; which segments are there is by chance, and names alone decide. */
test('a missing segment is a hole exactly when its name, or something that cannot be reached without it, is there', async () => {
  const number = fc.integer({ min: 1, max: 9 });
  const request = fc.record({ timelineId: fc.constantFrom(1, 2), number });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(number), fc.uniqueArray(number), request, async (first, second, asked) => {
      await using server = await TestServer.create();
      await server.write(server.archived('00000002.history'), history([1, '0/580000']));
      // Below the begin of timeline 2 there are no segments of it.
      const present = [...first.map((at) => [1, at] as const), ...second.filter((at) => at >= 5).map((at) => [2, at] as const)];
      for (const [timelineId, at] of present) await server.write(server.archived(segmentName(timelineId, at)), '');
      const options = { ...server.reading, walSegmentSize: toWalSegmentSize(1024 * 1024) };
      const proof = findProofOfHole(options, parseWalFileName(segmentName(asked.timelineId, asked.number)));
      if (present.length === 0) {
        await expect(proof).rejects.toMatchObject({ code: 'ERR_ARCHIVE_EMPTY' });
        return;
      }
      const isNeeded = present.some(([timelineId, at]) => {
        if (asked.timelineId === 2) return asked.number >= 5 && timelineId === 2 && at >= asked.number;
        return timelineId === 1 ? at >= asked.number : asked.number < 5;
      });
      expect((await proof) !== undefined).toBe(isNeeded);
    }),
    { numRuns: 60 },
  );
});

test('a history file tells about the ancestors of its timeline too', () => {
  const third = toTimelineId(3);
  const timelines = new Timelines(new Map([[third, parseHistoryFile(third, history([1, '0/500000'], [2, '0/800000']))]]));
  expect(timelines.beginOf(third)).toBe(0x800000n);
  expect(timelines.beginOf(toTimelineId(2))).toBe(0x500000n);
  expect(timelines.beginOf(toTimelineId(1))).toBeUndefined();
  expect(timelines.descendantsOf(toTimelineId(1))).toEqual([
    { timelineId: 2, leftAt: 0x500000n },
    { timelineId: 3, leftAt: 0x500000n },
  ]);
  expect(timelines.descendantsOf(toTimelineId(2))).toEqual([{ timelineId: 3, leftAt: 0x800000n }]);
  expect(timelines.descendantsOf(third)).toEqual([]);
});
