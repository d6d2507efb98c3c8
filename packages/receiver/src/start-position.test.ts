import { invalidLsn, parseLsn, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import { chooseStart, type StartFacts } from './start-position.ts';
import type { LatestSegment } from './streaming-directory.ts';

const size = toWalSegmentSize(16 * 1024 * 1024);
const [timeline1, timeline2, timeline3] = [toTimelineId(1), toTimelineId(2), toTimelineId(3)];

/** Nothing is known but the server, which is on timeline 2 at 0/7123456. */
const nothing: StartFacts = {
  walSegmentSize: size,
  latest: undefined,
  archived: undefined,
  slotRestartLsn: undefined,
  slotRestartTimelineId: undefined,
  server: { timelineId: timeline2, flushLsn: parseLsn('0/7123456') },
  flushed: undefined,
};

function latest(timelineId: LatestSegment['timelineId'], resume: string, isPartial: boolean): LatestSegment {
  return { name: 'NAME', timelineId, segment: 0n as never, isPartial, resumeLsn: parseLsn(resume), systemIdentifier: undefined };
}

describe('a first start', () => {
  test('without a slot begins with the segment that the server is in', () => {
    expect(chooseStart(nothing)).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/7000000'),
      acknowledgedLsn: invalidLsn,
      source: 'server',
    });
  });

  test('with a slot begins with the segment that the slot keeps, on its timeline, and takes nothing back', () => {
    const facts = { ...nothing, slotRestartLsn: parseLsn('0/3000148'), slotRestartTimelineId: timeline1 };
    expect(chooseStart(facts)).toEqual({
      timelineId: 1,
      lsn: parseLsn('0/3000000'),
      acknowledgedLsn: parseLsn('0/3000148'),
      source: 'slot',
    });
  });

  test("with a slot of a server that does not tell its timeline takes the server's", () => {
    expect(chooseStart({ ...nothing, slotRestartLsn: parseLsn('0/3000148') })).toMatchObject({ timelineId: 2, source: 'slot' });
  });
});

describe('an empty directory of a server that has an archive', () => {
  const archived = { timelineId: timeline2, lsn: parseLsn('0/5000000') };

  test('goes on behind the archive, not at a slot that was made anew, nor at the server', () => {
    expect(chooseStart({ ...nothing, archived })).toMatchObject({ ...archived, source: 'archive' });
    const anew = { ...nothing, archived, slotRestartLsn: parseLsn('0/6000028') };
    expect(chooseStart(anew)).toMatchObject({ ...archived, source: 'archive', acknowledgedLsn: parseLsn('0/6000028') });
  });

  test('does not go on from a server that has less', () => {
    const ahead = { ...nothing, archived: { timelineId: timeline2, lsn: parseLsn('0/8000000') } };
    expect(() => chooseStart(ahead)).toThrow(expect.objectContaining({ code: 'ERR_RECEIVER_AHEAD' }));
  });
});

describe('a new process', () => {
  test('goes on behind a complete segment', () => {
    expect(chooseStart({ ...nothing, latest: latest(timeline2, '0/6000000', false) })).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/6000000'),
      acknowledgedLsn: invalidLsn,
      source: 'directory',
    });
  });

  test('receives a partial segment again, and does not take back what the slot was told', () => {
    const facts = { ...nothing, latest: latest(timeline2, '0/6000000', true), slotRestartLsn: parseLsn('0/6ABCDE8') };
    expect(chooseStart(facts)).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/6000000'),
      acknowledgedLsn: parseLsn('0/6ABCDE8'),
      source: 'directory',
    });
  });

  test('lets the directory decide, wherever the slot is', () => {
    const behind = { ...nothing, latest: latest(timeline2, '0/6000000', false), slotRestartLsn: parseLsn('0/2000000') };
    expect(chooseStart(behind)).toMatchObject({ lsn: parseLsn('0/6000000'), source: 'directory' });
    const ahead = { ...nothing, latest: latest(timeline2, '0/6000000', false), slotRestartLsn: parseLsn('0/7000000') };
    expect(chooseStart(ahead)).toMatchObject({ lsn: parseLsn('0/6000000'), source: 'directory' });
  });

  test('goes on with an earlier timeline, which the server ends', () => {
    expect(chooseStart({ ...nothing, latest: latest(timeline1, '0/9000000', true) })).toMatchObject({
      timelineId: 1,
      lsn: parseLsn('0/9000000'),
    });
  });
});

describe('a reconnect', () => {
  const flushed = { timelineId: timeline2, lsn: parseLsn('0/6012340') };

  test('goes on in the middle of the segment whose partial file is there', () => {
    expect(chooseStart({ ...nothing, flushed, latest: latest(timeline2, '0/6000000', true) })).toEqual({
      timelineId: 2,
      lsn: parseLsn('0/6012340'),
      acknowledgedLsn: parseLsn('0/6012340'),
      source: 'memory',
    });
  });

  test('receives the segment again when its partial file has gone', () => {
    for (const left of [undefined, latest(timeline2, '0/6000000', false), latest(timeline2, '0/5000000', false)]) {
      expect(chooseStart({ ...nothing, flushed, latest: left })).toEqual({
        timelineId: 2,
        lsn: parseLsn('0/6000000'),
        acknowledgedLsn: parseLsn('0/6012340'),
        source: 'memory',
      });
    }
  });

  test('at a segment boundary needs no file: an archiver may have emptied the directory', () => {
    const atBoundary = { timelineId: timeline2, lsn: parseLsn('0/6000000') };
    expect(chooseStart({ ...nothing, flushed: atBoundary })).toMatchObject({ lsn: parseLsn('0/6000000'), source: 'memory' });
  });

  test('right after a switch of timeline goes on with the new one', () => {
    expect(chooseStart({ ...nothing, flushed, latest: latest(timeline1, '0/6000000', true) })).toMatchObject({
      timelineId: 2,
      lsn: parseLsn('0/6000000'),
    });
  });

  test('believes the directory when that holds more', () => {
    expect(chooseStart({ ...nothing, flushed, latest: latest(timeline2, '0/7000000', true) })).toMatchObject({
      lsn: parseLsn('0/7000000'),
      source: 'directory',
    });
    const before = { timelineId: timeline1, lsn: parseLsn('0/6012340') };
    expect(chooseStart({ ...nothing, flushed: before, latest: latest(timeline2, '0/6000000', true) })).toMatchObject({
      timelineId: 2,
      lsn: parseLsn('0/6000000'),
      source: 'directory',
    });
  });

  test('does not take back what the slot was told by a process before', () => {
    const facts = { ...nothing, flushed, latest: latest(timeline2, '0/6000000', true), slotRestartLsn: parseLsn('0/6ABCDE8') };
    expect(chooseStart(facts)).toMatchObject({ lsn: parseLsn('0/6012340'), acknowledgedLsn: parseLsn('0/6ABCDE8') });
    const behind = { ...facts, slotRestartLsn: parseLsn('0/6000000') };
    expect(chooseStart(behind).acknowledgedLsn).toBe(parseLsn('0/6012340'));
  });
});

describe('a server that has less than was received is refused', () => {
  const server = { timelineId: timeline2, flushLsn: parseLsn('0/6000000') };

  test('when the directory is ahead on the same timeline', () => {
    expect(() => chooseStart({ ...nothing, server, latest: latest(timeline2, '0/7000000', false) })).toThrow(
      expect.objectContaining({
        code: 'ERR_RECEIVER_AHEAD',
        retry: 'retry',
        lsn: parseLsn('0/7000000'),
        message: 'WAL has been received up to 0/7000000, the server has written up to 0/6000000 only',
      }),
    );
  });

  test('when what was flushed is ahead, though the start of its segment is not', () => {
    const facts = { ...nothing, server, latest: latest(timeline2, '0/6000000', true) };
    expect(chooseStart(facts).lsn).toBe(parseLsn('0/6000000'));
    expect(() => chooseStart({ ...facts, flushed: { timelineId: timeline2, lsn: parseLsn('0/6000001') } })).toThrow(
      expect.objectContaining({ code: 'ERR_RECEIVER_AHEAD' }),
    );
  });

  test('when it is on an earlier timeline', () => {
    const error = expect.objectContaining({ code: 'ERR_TIMELINE_NOT_IN_HISTORY', retry: 'fatal' });
    expect(() => chooseStart({ ...nothing, latest: latest(timeline3, '0/1000000', true) })).toThrow(error);
    expect(() => chooseStart({ ...nothing, flushed: { timelineId: timeline3, lsn: parseLsn('0/1000000') } })).toThrow(error);
  });

  test('but not when it is just as far', () => {
    expect(chooseStart({ ...nothing, server, latest: latest(timeline2, '0/6000000', false) }).lsn).toBe(parseLsn('0/6000000'));
  });
});
