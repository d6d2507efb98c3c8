import { invalidLsn, parseLsn, type TimelineId, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import { type Lineage, lineageOf } from './lineage.ts';
import { chooseStart, type Remembered, type StartFacts } from './start-position.ts';

const size = toWalSegmentSize(16 * 1024 * 1024);
const [timeline1, timeline2, timeline3] = [toTimelineId(1), toTimelineId(2), toTimelineId(3)];

/** Along one timeline, left at each of these positions for the next one. */
function lineage(timelineId: TimelineId, ...switches: readonly (readonly [TimelineId, string])[]): Lineage {
  return lineageOf(
    timelineId,
    switches.map(([id, lsn]) => ({ timelineId: id, switchLsn: parseLsn(lsn), reason: 'no reason' })),
  );
}

const onTimeline1 = lineage(timeline1);
/** That of the server. */
const onTimeline2 = lineage(timeline2, [timeline1, '0/5000100']);
const onTimeline3 = lineage(timeline3, [timeline1, '0/5000100'], [timeline2, '0/6000100']);

function received(along: Lineage, lsn: string, acknowledged = lsn): Remembered {
  return { lineage: along, lsn: parseLsn(lsn), acknowledgedLsn: parseLsn(acknowledged) };
}

/** Nothing is known but the server, which is on timeline 2 at 0/7123456. */
const nothing: StartFacts = {
  walSegmentSize: size,
  server: { lineage: onTimeline2, flushLsn: parseLsn('0/7123456') },
  memory: undefined,
  directory: [],
  archive: undefined,
  slotRestartLsn: undefined,
  slotRestartTimelineId: undefined,
};

test('what the server was told is not taken back, whether more was flushed or less', () => {
  const directory = [received(onTimeline2, '0/6000200')];
  for (const [flushed, acknowledged] of [
    ['0/6000200', '0/6000100'],
    ['0/6000100', '0/6800000'],
  ] as const) {
    const memory = received(onTimeline2, flushed, acknowledged);
    expect(chooseStart({ ...nothing, directory, memory }).acknowledgedLsn).toBe(parseLsn(acknowledged));
  }
});

describe('a first start', () => {
  test('without a slot begins with the segment that the server is in', () => {
    expect(chooseStart(nothing)).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/7000000'),
      acknowledgedLsn: invalidLsn,
      source: 'server',
      divergence: undefined,
    });
  });

  test('with a slot begins with the segment that the slot keeps, on its timeline, and takes nothing back', () => {
    const facts = { ...nothing, slotRestartLsn: parseLsn('0/3000148'), slotRestartTimelineId: timeline1 };
    expect(chooseStart(facts)).toEqual({
      timelineId: 1,
      lsn: parseLsn('0/3000000'),
      acknowledgedLsn: parseLsn('0/3000148'),
      source: 'slot',
      divergence: undefined,
    });
  });

  test("with a slot of a server that does not tell its timeline takes the one that the server's history has there", () => {
    expect(chooseStart({ ...nothing, slotRestartLsn: parseLsn('0/3000148') })).toMatchObject({ timelineId: 1, source: 'slot' });
    expect(chooseStart({ ...nothing, slotRestartLsn: parseLsn('0/5000100') })).toMatchObject({ timelineId: 2, source: 'slot' });
  });
});

describe('an empty directory of a server that has an archive', () => {
  const archive = received(onTimeline2, '0/6000000');

  test('goes on behind the archive, not at a slot that was made anew, nor at the server', () => {
    const behind = { timelineId: 2, lsn: parseLsn('0/6000000'), source: 'archive' };
    expect(chooseStart({ ...nothing, archive })).toMatchObject({ ...behind, acknowledgedLsn: invalidLsn });
    const anew = { ...nothing, archive, slotRestartLsn: parseLsn('0/7000028') };
    expect(chooseStart(anew)).toMatchObject({ ...behind, acknowledgedLsn: parseLsn('0/7000028') });
  });

  test('does not go on from a server that has less', () => {
    const ahead = { ...nothing, archive: received(onTimeline2, '0/8000000') };
    expect(() => chooseStart(ahead)).toThrow(expect.objectContaining({ code: 'ERR_RECEIVER_AHEAD' }));
  });
});

describe('a new process', () => {
  test('goes on behind what the directory has, to the byte', () => {
    expect(chooseStart({ ...nothing, directory: [received(onTimeline2, '0/6012340')] })).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/6012340'),
      acknowledgedLsn: invalidLsn,
      source: 'directory',
      divergence: undefined,
    });
  });

  test('does not take back what the slot was told', () => {
    const facts = { ...nothing, directory: [received(onTimeline2, '0/6000000')], slotRestartLsn: parseLsn('0/6ABCDE8') };
    expect(chooseStart(facts)).toMatchObject({
      timelineId: 2,
      lsn: parseLsn('0/6000000'),
      acknowledgedLsn: parseLsn('0/6ABCDE8'),
      source: 'directory',
    });
  });

  test('lets the directory decide, wherever the slot is', () => {
    const directory = [received(onTimeline2, '0/6000000')];
    for (const slotRestartLsn of [parseLsn('0/2000000'), parseLsn('0/7000000')]) {
      expect(chooseStart({ ...nothing, directory, slotRestartLsn })).toMatchObject({
        lsn: parseLsn('0/6000000'),
        source: 'directory',
      });
    }
  });

  test('goes on with an earlier timeline, which the server ends', () => {
    expect(chooseStart({ ...nothing, directory: [received(onTimeline1, '0/5000080')] })).toMatchObject({
      timelineId: 1,
      lsn: parseLsn('0/5000080'),
      divergence: undefined,
    });
  });
});

describe('a reconnect', () => {
  const memory = received(onTimeline2, '0/6012340');

  test('goes on where the directory can be trusted, and takes nothing back of what this process told', () => {
    expect(chooseStart({ ...nothing, memory, directory: [received(onTimeline2, '0/6012300')] })).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/6012300'),
      acknowledgedLsn: parseLsn('0/6012340'),
      source: 'directory',
      divergence: undefined,
    });
  });

  test('receives the segment again when its partial file has gone', () => {
    for (const directory of [[], [received(onTimeline2, '0/5800000')]]) {
      expect(chooseStart({ ...nothing, memory, directory })).toEqual({
        timelineId: 2,
        lsn: parseLsn('0/6000000'),
        acknowledgedLsn: parseLsn('0/6012340'),
        source: 'memory',
        divergence: undefined,
      });
    }
  });

  test('of equal ones believes the directory, whose checker knows the record that goes on there', () => {
    expect(chooseStart({ ...nothing, memory, directory: [received(onTimeline2, '0/6000000')] })).toMatchObject({
      lsn: parseLsn('0/6000000'),
      source: 'directory',
    });
  });

  test('at a segment boundary needs no file: an archiver may have emptied the directory', () => {
    expect(chooseStart({ ...nothing, memory: received(onTimeline2, '0/6000000') })).toMatchObject({
      lsn: parseLsn('0/6000000'),
      source: 'memory',
    });
  });

  test('right after a switch of timeline goes on with the new one', () => {
    const facts = { ...nothing, memory: received(onTimeline2, '0/5000140'), directory: [received(onTimeline1, '0/5000000')] };
    expect(chooseStart(facts)).toMatchObject({ lsn: parseLsn('0/5000000'), divergence: undefined });
    const behind = { ...facts, memory: received(onTimeline2, '0/6000140') };
    expect(chooseStart(behind)).toMatchObject({ timelineId: 2, lsn: parseLsn('0/6000000'), source: 'memory' });
  });

  test('believes the directory when that holds more', () => {
    const directory = [received(onTimeline2, '0/7000000')];
    expect(chooseStart({ ...nothing, memory, directory })).toMatchObject({ lsn: parseLsn('0/7000000'), source: 'directory' });
    const before = received(onTimeline1, '0/5000080');
    expect(chooseStart({ ...nothing, memory: before, directory })).toMatchObject({ timelineId: 2, source: 'directory' });
  });

  test('does not take back what the slot was told by a process before', () => {
    const facts = { ...nothing, memory, directory: [received(onTimeline2, '0/6000000')], slotRestartLsn: parseLsn('0/6ABCDE8') };
    expect(chooseStart(facts)).toMatchObject({ lsn: parseLsn('0/6000000'), acknowledgedLsn: parseLsn('0/6ABCDE8') });
    expect(chooseStart({ ...facts, slotRestartLsn: parseLsn('0/6000000') }).acknowledgedLsn).toBe(parseLsn('0/6012340'));
  });
});

describe('WAL that the history of the server has left behind', () => {
  test('is told; streaming begins with the segment in which the ways part, and nothing counts as acknowledged there', () => {
    const facts = { ...nothing, memory: received(onTimeline1, '0/5200000'), directory: [received(onTimeline1, '0/5300000')] };
    expect(chooseStart(facts)).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/5000000'),
      acknowledgedLsn: invalidLsn,
      source: 'directory',
      divergence: { timelineId: 1, fromLsn: parseLsn('0/5000100'), toLsn: parseLsn('0/5300000') },
    });
  });

  test('leaves the slot of the new primary what it was told', () => {
    const facts = { ...nothing, directory: [received(onTimeline1, '0/5300000')], slotRestartLsn: parseLsn('0/5000100') };
    expect(chooseStart(facts).acknowledgedLsn).toBe(parseLsn('0/5000100'));
  });

  test('may be more than all that the server has', () => {
    const facts = { ...nothing, directory: [received(onTimeline1, '0/F000000')] };
    expect(chooseStart(facts)).toMatchObject({ timelineId: 2, lsn: parseLsn('0/5000000') });
  });

  test('does not matter when the new timeline was received already, but for being told', () => {
    const directory = [received(onTimeline2, '0/7012340'), received(onTimeline1, '0/9000000')];
    expect(chooseStart({ ...nothing, directory })).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/7012340'),
      acknowledgedLsn: invalidLsn,
      source: 'directory',
      divergence: { timelineId: 1, fromLsn: parseLsn('0/5000100'), toLsn: parseLsn('0/9000000') },
    });
  });

  test('and lies in the directory ever since takes back nothing of what was told on the way of the server', () => {
    const directory = [received(onTimeline2, '0/7012300'), received(onTimeline1, '0/9000000')];
    const facts = { ...nothing, directory, memory: received(onTimeline2, '0/7012340') };
    expect(chooseStart(facts)).toMatchObject({ lsn: parseLsn('0/7012300'), acknowledgedLsn: parseLsn('0/7012340') });
  });

  test('of a branch that both took from the same timeline is left where the earlier of them began', () => {
    const branch = lineage(timeline3, [timeline1, '0/4000080']);
    const facts = {
      ...nothing,
      server: { lineage: branch, flushLsn: parseLsn('0/9000000') },
      directory: [received(onTimeline2, '0/6000000')],
    };
    expect(chooseStart(facts)).toMatchObject({
      timelineId: 3,
      lsn: parseLsn('0/4000000'),
      divergence: { timelineId: 2, fromLsn: parseLsn('0/4000080'), toLsn: parseLsn('0/6000000') },
    });
  });
});

describe('a server that has less than was received is refused', () => {
  const server = { lineage: onTimeline2, flushLsn: parseLsn('0/6000000') };

  test('when the directory is ahead on the same timeline', () => {
    expect(() => chooseStart({ ...nothing, server, directory: [received(onTimeline2, '0/7000000')] })).toThrow(
      expect.objectContaining({
        code: 'ERR_RECEIVER_AHEAD',
        retry: 'retry',
        lsn: parseLsn('0/7000000'),
        message: 'WAL has been received up to 0/7000000, the server has written up to 0/6000000 only',
      }),
    );
  });

  test('when what was flushed is ahead, though the start of its segment is not', () => {
    const facts = { ...nothing, server, directory: [received(onTimeline2, '0/6000000')] };
    expect(chooseStart(facts).lsn).toBe(parseLsn('0/6000000'));
    expect(() => chooseStart({ ...facts, memory: received(onTimeline2, '0/6000001') })).toThrow(
      expect.objectContaining({ code: 'ERR_RECEIVER_AHEAD' }),
    );
  });

  test('when it is on an earlier timeline', () => {
    const error = expect.objectContaining({
      code: 'ERR_TIMELINE_NOT_IN_HISTORY',
      retry: 'fatal',
      message: 'WAL of timeline 3 has been received up to 0/6000200, the server is on timeline 2, which does not come from it',
    });
    expect(() => chooseStart({ ...nothing, directory: [received(onTimeline3, '0/6000200')] })).toThrow(error);
    expect(() => chooseStart({ ...nothing, memory: received(onTimeline3, '0/6000200') })).toThrow(error);
    expect(() => chooseStart({ ...nothing, archive: received(onTimeline3, '0/6000200') })).toThrow(error);
  });

  test('but not when it is just as far', () => {
    expect(chooseStart({ ...nothing, server, directory: [received(onTimeline2, '0/6000000')] }).lsn).toBe(parseLsn('0/6000000'));
  });

  test('nor when a timeline that it has left was received to its end', () => {
    const behind = { ...nothing, server, directory: [received(onTimeline1, '0/5000100')] };
    expect(chooseStart(behind)).toMatchObject({ timelineId: 1, lsn: parseLsn('0/5000100'), divergence: undefined });
  });
});
