import { parseHistoryFile, parseWalFileName, toTimelineId, type WalFileName } from '@walvault/wal';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { history, segmentName } from '../../testing.ts';
import { type Selection, segmentsFromLatest, selectStreamed, type SelectionFacts } from './select-files.ts';
import { Timelines } from '../wal-files/timelines.ts';

const nothingKnown: SelectionFacts = { livePartial: undefined, positionMark: undefined, timelines: undefined };
const secondFromFirst = new Timelines(new Map([[toTimelineId(2), parseHistoryFile(toTimelineId(2), history([1, '0/500000']))]]));

const partial = (timelineId: number, number: number): string => `${segmentName(timelineId, number)}.partial`;

function select(names: readonly string[], facts: Partial<SelectionFacts> = {}): Selection {
  return selectStreamed(names.map(parseWalFileName), { ...nothingKnown, ...facts });
}

const taken = (selection: Selection): string[] => selection.take.map((file) => file.name);
const kept = (selection: Selection): string[] => selection.keep.map((file) => `${file.reason} ${file.name}`);

test('one partial stays, whatever it is', () => {
  expect(kept(select([segmentName(1, 3), partial(1, 2)]))).toEqual([`live ${partial(1, 2)}`]);
});

test('order is plain string order, with partial segments behind everything', () => {
  const names = [segmentName(2, 1), '00000002.history', segmentName(1, 9), partial(1, 1), segmentName(1, 1), partial(2, 2)];
  expect(taken(select(names, { livePartial: partial(2, 2) }))).toEqual([
    segmentName(1, 1),
    segmentName(1, 9),
    '00000002.history',
    segmentName(2, 1),
    partial(1, 1),
  ]);
});

test('without word from the receiver a partial is taken only when a complete segment at its place or later has come', () => {
  const selection = select([partial(1, 2), partial(1, 4), segmentName(1, 2), partial(1, 9)]);
  expect(taken(selection)).toEqual([segmentName(1, 2), partial(1, 2)]);
  expect(kept(selection)).toEqual([`unproven ${partial(1, 4)}`, `live ${partial(1, 9)}`]);
});

test('a partial of a timeline that was left is taken when its history proves it, and only then', () => {
  const names = [partial(1, 5), partial(2, 5)];
  expect(taken(select(names, { timelines: secondFromFirst }))).toEqual([partial(1, 5)]);
  expect(kept(select(names))).toEqual([`unproven ${partial(1, 5)}`, `live ${partial(2, 5)}`]);
});

test('the word of the receiver decides: what it left behind is taken, what lies before it is not', () => {
  const selection = select([partial(1, 70), partial(2, 60), partial(2, 61), partial(2, 62)], { livePartial: partial(2, 61) });
  expect(taken(selection)).toEqual([partial(1, 70), partial(2, 60)]);
  expect(kept(selection)).toEqual([`live ${partial(2, 61)}`, `unproven ${partial(2, 62)}`]);
});

const latest = (...names: readonly string[]): string[] =>
  segmentsFromLatest(names.map(parseWalFileName)).map((file) => file.name);

test('the position is marked by what pg_receivewal takes for the latest segment', () => {
  expect(latest(segmentName(1, 1), segmentName(1, 2))).toEqual([segmentName(1, 2), segmentName(1, 1)]);
  expect(latest(segmentName(1, 2), segmentName(2, 2), segmentName(2, 1))[0]).toBe(segmentName(2, 2));
  expect(latest(segmentName(1, 2), segmentName(2, 1))[0]).toBe(segmentName(1, 2));
  expect(latest(segmentName(1, 2), partial(1, 3))).toEqual([]);
  expect(latest(segmentName(1, 2), partial(1, 2))[0]).toBe(segmentName(1, 2));
  expect(latest('00000002.history')).toEqual([]);
});

const anyFile: fc.Arbitrary<WalFileName> = fc
  .record({
    timelineId: fc.integer({ min: 1, max: 3 }),
    number: fc.integer({ min: 1, max: 6 }),
    kind: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ timelineId, number, kind }) => {
    if (kind === 0) return segmentName(timelineId, number);
    return kind === 1 ? partial(timelineId, number) : `${timelineId.toString(16).padStart(8, '0')}.history`;
  })
  .map(parseWalFileName);
const anyDirectory = fc.uniqueArray(anyFile, { selector: (file) => file.name, maxLength: 12 });

test('every file is either taken or kept, and what may be live is never taken', () => {
  fc.assert(
    fc.property(anyDirectory, fc.boolean(), fc.nat(), (files, isKnown, which) => {
      const partials = files.filter((file) => file.kind === 'partial').map((file) => file.name);
      const livePartial = isKnown ? partials[which % Math.max(partials.length, 1)] : undefined;
      const selection = selectStreamed(files, { livePartial, positionMark: undefined, timelines: secondFromFirst });
      const all = [...taken(selection), ...selection.keep.map((file) => file.name)];
      expect(all.toSorted()).toEqual(files.map((file) => file.name).toSorted());
      if (livePartial !== undefined) expect(taken(selection)).not.toContain(livePartial);
      else expect(partials.filter((name) => !taken(selection).includes(name)).length).toBe(selection.keep.length);
      expect(selection.keep.length > 0).toBe(partials.length > 0);
    }),
  );
});

const rank = (file: WalFileName): string => `${file.name.slice(8, 24)} ${file.timelineId} ${file.kind === 'segment' ? 1 : 0}`;

test('with the position mark kept, the file that a receiver would go on from is never taken', () => {
  fc.assert(
    fc.property(anyDirectory, (files) => {
      const positionMark = segmentsFromLatest(files)[0]?.name;
      const { take } = selectStreamed(files, { ...nothingKnown, positionMark });
      const segments = files.filter((file) => file.kind === 'segment' || file.kind === 'partial');
      const decisive = segments.toSorted((a, b) => (rank(a) < rank(b) ? 1 : -1))[0];
      if (decisive !== undefined) expect(take.map((file) => file.name)).not.toContain(decisive.name);
    }),
  );
});
