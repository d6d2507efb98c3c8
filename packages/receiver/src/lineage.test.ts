import * as fc from 'fast-check';
import { type Lsn, parseLsn, toLsn, type TimelineId, toTimelineId } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import { continuationOn, isInLineage, type Lineage, lineageOf, timelineOfSegment, tipOf } from './lineage.ts';

/** `way(1, '0/300', 2)`: timeline 1 up to 0/300, then 2. */
function way(...steps: readonly (number | string)[]): Lineage {
  const switches = [];
  for (let at = 0; at + 1 < steps.length; at += 2)
    switches.push({
      timelineId: toTimelineId(Number(steps[at])),
      switchLsn: parseLsn(String(steps[at + 1])),
      reason: 'no reason',
    });
  return lineageOf(toTimelineId(Number(steps.at(-1))), switches);
}

/** Where it goes on, as text: timeline, position, and where the two parted. */
function goOn(server: Lineage, ours: Lineage, lsn: string) {
  const found = continuationOn(server, ours, parseLsn(lsn));
  return found === undefined ? 'refused' : { ...found };
}

const on = (timelineId: number, lsn: string, divergedAt?: string) => ({
  timelineId,
  lsn: parseLsn(lsn),
  divergedAt: divergedAt === undefined ? undefined : parseLsn(divergedAt),
});

describe('a lineage', () => {
  test('is what a history file tells, and the timeline itself at its end', () => {
    expect(way(1, '0/300', 2, '0/500', 4)).toEqual([
      { timelineId: 1, endLsn: parseLsn('0/300') },
      { timelineId: 2, endLsn: parseLsn('0/500') },
      { timelineId: 4, endLsn: undefined },
    ]);
    expect(tipOf(way(1, '0/300', 2, '0/500', 4))).toBe(4);
    expect(tipOf(way(1))).toBe(1);
  });

  test('has the WAL of its timelines that begins before they were left', () => {
    const lineage = way(1, '0/300', 3);
    const isIn = (timelineId: number, lsn: string) => isInLineage(lineage, toTimelineId(timelineId), parseLsn(lsn));
    expect([isIn(1, '0/200'), isIn(1, '0/2FF'), isIn(1, '0/300'), isIn(1, '0/400')]).toEqual([true, true, false, false]);
    expect([isIn(3, '0/100'), isIn(3, '9/0')]).toEqual([true, true]);
    expect(isIn(2, '0/100')).toBe(false);
  });

  test('reads a segment from the later timeline where two meet in it', () => {
    const lineage = way(1, '0/300', 2, '0/380', 3);
    const at = (endLsn: string) => timelineOfSegment(lineage, parseLsn(endLsn));
    expect([at('0/200'), at('0/300'), at('0/301'), at('0/380'), at('0/400'), at('9/0')]).toEqual([1, 1, 2, 2, 3, 3]);
  });
});

describe('WAL goes on where it ended', () => {
  test('on a server that went no other way', () => {
    expect(goOn(way(1), way(1), '0/123')).toEqual(on(1, '0/123'));
    expect(goOn(way(1, '0/300', 2), way(1, '0/300', 2), '0/456')).toEqual(on(2, '0/456'));
    expect(goOn(way(1, '0/300', 2, '0/500', 4), way(1, '0/300', 2, '0/500', 4), '0/567')).toEqual(on(4, '0/567'));
  });

  test('on the timeline that the server has left since, when it was not received past that', () => {
    expect(goOn(way(1, '0/300', 2), way(1), '0/2FF')).toEqual(on(1, '0/2FF'));
    expect(goOn(way(1, '0/300', 2), way(1), '0/300')).toEqual(on(1, '0/300'));
    expect(goOn(way(1, '0/300', 2, '0/500', 4), way(1, '0/300', 2), '0/400')).toEqual(on(2, '0/400'));
  });
});

describe('where the server left the way of the WAL, it goes on with the timeline that the server took', () => {
  test('when the last timeline was received past that', () => {
    expect(goOn(way(1, '0/300', 2), way(1), '0/301')).toEqual(on(2, '0/300', '0/300'));
    expect(goOn(way(1, '0/300', 2, '0/500', 4), way(1, '0/300', 2), '0/600')).toEqual(on(4, '0/500', '0/500'));
    expect(goOn(way(1, '0/300', 2, '0/500', 4), way(1), '0/600')).toEqual(on(2, '0/300', '0/300'));
  });

  test('when both left the same timeline, the server first', () => {
    expect(goOn(way(1, '0/300', 3), way(1, '0/400', 2), '0/500')).toEqual(on(3, '0/300', '0/300'));
    expect(goOn(way(1, '0/300', 3, '0/350', 4), way(1, '0/400', 2), '0/500')).toEqual(on(3, '0/300', '0/300'));
  });

  test('when both left the same timeline, we first: it goes on there', () => {
    expect(goOn(way(1, '0/400', 3), way(1, '0/300', 2), '0/500')).toEqual(on(1, '0/300', '0/300'));
  });

  test('when both left it in the same place for different ones', () => {
    expect(goOn(way(1, '0/300', 3), way(1, '0/300', 2), '0/500')).toEqual(on(3, '0/300', '0/300'));
    expect(goOn(way(1, '0/300', 3, '0/350', 4), way(1, '0/300', 2, '0/400', 5), '0/500')).toEqual(on(3, '0/300', '0/300'));
  });
});

describe('WAL does not go on', () => {
  test('on a server that stands on an ancestor: it was restored, or is the old primary', () => {
    expect(goOn(way(1), way(1, '0/300', 2), '0/400')).toBe('refused');
    expect(goOn(way(1, '0/300', 2), way(1, '0/300', 2, '0/500', 4), '0/600')).toBe('refused');
  });

  test('where there is no timeline in common', () => {
    expect(goOn(way(2), way(1), '0/100')).toBe('refused');
    expect(goOn(way(1, '0/300', 2), way(5), '0/400')).toBe('refused');
    expect(goOn(way(5), way(1, '0/300', 2), '0/400')).toBe('refused');
  });

  test('where one number stands for two timelines, whose segments would have the same names', () => {
    expect(goOn(way(1, '0/300', 2), way(1, '0/400', 2), '0/500')).toBe('refused');
    expect(goOn(way(1, '0/400', 2), way(1, '0/300', 2), '0/350')).toBe('refused');
    expect(goOn(way(1, '0/300', 3, '0/600', 2), way(1, '0/400', 2), '0/500')).toBe('refused');
    expect(goOn(way(1, '0/300', 2, '0/400', 3), way(1, '0/300', 2, '0/500', 3), '0/600')).toBe('refused');
    expect(goOn(way(1, '0/300', 3), way(1, '0/300', 2, '0/400', 3), '0/500')).toBe('refused');
  });
});

const base = 0x100_0000n;
/** Numbers that only grow, of timelines and of switchpoints. */
const growing = (fromId: number, fromLsn: Lsn) =>
  fc
    .array(fc.record({ skipped: fc.nat(3), length: fc.bigInt({ min: 1n, max: 5000n }) }), { maxLength: 5 })
    .map((parts): Lineage => {
      let [timelineId, lsn] = [fromId, fromLsn];
      const switches = parts.map(({ skipped, length }) => {
        lsn = toLsn(lsn + length);
        const step = { timelineId: toTimelineId(timelineId), switchLsn: lsn, reason: '' };
        timelineId += skipped + 1;
        return step;
      });
      return lineageOf(toTimelineId(timelineId), switches);
    });

describe('whatever the two ways', () => {
  const lineage = growing(1, toLsn(base));
  const beyond = fc.bigInt({ min: 0n, max: 9000n });
  const startOfTip = (of: Lineage): Lsn => of.at(-2)?.endLsn ?? toLsn(base);
  const endOfCommon = (a: Lineage, b: Lineage): Lsn => {
    const fork = a.findIndex((step, index) => step.timelineId !== b[index]?.timelineId || step.endLsn !== b[index]?.endLsn);
    if (a[fork]?.timelineId !== b[fork]?.timelineId) return a[fork - 1]?.endLsn ?? toLsn(base);
    const ends = [a[fork]?.endLsn, b[fork]?.endLsn].filter((end) => end !== undefined);
    return ends.toSorted((x, y) => Number(x - y))[0] ?? toLsn(base + 1_000_000n);
  };

  test('the same way never diverges', () => {
    fc.assert(
      fc.property(lineage, beyond, (ours, more) => {
        const lsn = toLsn(startOfTip(ours) + more);
        expect(continuationOn(ours, ours, lsn)).toEqual({ timelineId: tipOf(ours), lsn, divergedAt: undefined });
      }),
    );
  });

  test('a server that only went further leads on, and what it did not keep is told', () => {
    fc.assert(
      fc.property(lineage, beyond, fc.bigInt({ min: 0n, max: 5000n }), fc.nat(3), (ours, more, kept, skipped) => {
        const lsn = toLsn(startOfTip(ours) + more);
        const endLsn = toLsn(startOfTip(ours) + kept);
        const next = toTimelineId(tipOf(ours) + skipped + 1);
        const server: Lineage = [
          ...ours.slice(0, -1),
          { timelineId: tipOf(ours), endLsn },
          { timelineId: next, endLsn: undefined },
        ];
        expect(continuationOn(server, ours, lsn)).toEqual(
          lsn <= endLsn
            ? { timelineId: tipOf(ours), lsn, divergedAt: undefined }
            : { timelineId: next, lsn: endLsn, divergedAt: endLsn },
        );
        expect(continuationOn(ours, server, toLsn(endLsn + 1n))).toBeUndefined();
      }),
    );
  });

  test('with a common beginning: it goes on in the history of the server, never behind what is common, and refuses a number with two meanings', () => {
    const two = lineage.chain((common) => {
      const id = tipOf(common);
      const branch = growing(id, startOfTip(common)).map((tail): Lineage => [...common.slice(0, -1), ...tail]);
      return fc.tuple(branch, branch);
    });
    let wentOn = 0;
    fc.assert(
      fc.property(two, beyond, ([server, ours], more) => {
        const lsn = toLsn(startOfTip(ours) + more);
        const found = continuationOn(server, ours, lsn);
        if (found === undefined) return;
        wentOn += 1;
        const common = endOfCommon(server, ours);
        expect(found.lsn).toBe(lsn < common ? lsn : common <= lsn && found.divergedAt === undefined ? lsn : common);
        expect(found.lsn).toBeLessThanOrEqual(common);
        expect(found.divergedAt).toBe(found.divergedAt === undefined ? undefined : found.lsn);
        // the timeline is one of the server's, which has this position
        const index = server.findIndex((step) => step.timelineId === found.timelineId);
        expect(index).toBeGreaterThanOrEqual(0);
        expect(found.lsn).toBeLessThanOrEqual(server[index]?.endLsn ?? found.lsn);
        expect(found.lsn).toBeGreaterThanOrEqual(server[index - 1]?.endLsn ?? toLsn(base));
        // nothing that is asked for from here on has the number of a timeline that we have from elsewhere
        const later = server.slice(index).filter((step) => step.timelineId !== sharedAt(ours, found.lsn, step.timelineId));
        for (const step of later) expect(ours.map((other) => other.timelineId)).not.toContain(step.timelineId);
      }),
      { numRuns: 500 },
    );
    expect(wentOn).toBeGreaterThan(50);
  });
});

/** The timeline, when it is the one that our way was on at a position. */
function sharedAt(ours: Lineage, lsn: Lsn, timelineId: TimelineId): TimelineId | undefined {
  const step = ours.find((candidate) => candidate.timelineId === timelineId);
  return step !== undefined && (step.endLsn === undefined || lsn <= step.endLsn) ? timelineId : undefined;
}
