import * as fc from 'fast-check';
import { addToLsn, invalidLsn, type Lsn, roundDownToSegment, toLsn, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import { Positions } from './positions.ts';

const timeline1 = toTimelineId(1);
const start = { timelineId: timeline1, lsn: toLsn(0x300_0000) };
const at = (bytes: number): Lsn => addToLsn(start.lsn, bytes);

test('everything is at the start at first, and so is the report', () => {
  const positions = new Positions(start);
  expect(positions).toMatchObject({
    timelineId: 1,
    writtenLsn: start.lsn,
    flushedLsn: start.lsn,
    verifiedLsn: start.lsn,
    acknowledgedLsn: invalidLsn,
    serverLsn: start.lsn,
    receivedBytes: 0,
    lastMessageAtMs: 0,
  });
  expect(positions.report()).toEqual({ writeLsn: start.lsn, flushLsn: start.lsn });
});

test('written moves with writes, flushed with flushes, and both are reported', () => {
  const positions = new Positions(start);
  positions.wroteTo(at(100));
  expect(positions.report()).toEqual({ writeLsn: at(100), flushLsn: start.lsn });
  positions.flushedTo(at(60));
  expect(positions.report()).toEqual({ writeLsn: at(100), flushLsn: at(60) });
  expect(positions.receivedBytes).toBe(100);
});

test('the server is as far as it said, or as far as we have its WAL', () => {
  const positions = new Positions(start);
  positions.heard(at(50), 1234);
  positions.heard(at(20), 1250);
  expect(positions.serverLsn).toBe(at(50));
  expect(positions.lastMessageAtMs).toBe(1250);
  positions.wroteTo(at(80));
  expect(positions.serverLsn).toBe(at(80));
});

describe('what must not be, is not', () => {
  test('written does not go back', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100));
    expect(() => positions.wroteTo(at(99))).toThrow(/never goes back/);
  });

  test('flushed does not go back', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100));
    positions.flushedTo(at(100));
    expect(() => positions.flushedTo(at(99))).toThrow(/never goes back/);
  });

  test('flushed does not pass written', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100));
    expect(() => positions.flushedTo(at(101))).toThrow(/nor past the written one/);
    expect(positions.flushedLsn).toBe(start.lsn);
  });

  test('verified does not go back, nor past written', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100), at(80));
    expect(() => positions.wroteTo(at(120), at(79))).toThrow(/the verified position never goes back/);
    expect(() => positions.wroteTo(at(120), at(121))).toThrow(/nor past the written one/);
    expect(positions).toMatchObject({ writtenLsn: at(100), verifiedLsn: at(80) });
  });

  test('a switch leads to a later timeline only', () => {
    const positions = new Positions(start);
    expect(() => positions.switchTo(timeline1, start.lsn)).toThrow(/a later timeline/);
  });

  test('a switch does not lead past what is durable', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100));
    expect(() => positions.switchTo(toTimelineId(2), at(1))).toThrow(/from durable ground/);
  });
});

describe('a record whose end is not there yet', () => {
  test('is flushed, but not told', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100), at(60));
    positions.flushedTo(at(50));
    expect(positions.report()).toEqual({ writeLsn: at(100), flushLsn: at(50) });
    positions.flushedTo(at(100));
    expect(positions.report()).toEqual({ writeLsn: at(100), flushLsn: at(60) });
    expect(positions).toMatchObject({ flushedLsn: at(100), verifiedLsn: at(60), acknowledgedLsn: at(60) });
    positions.wroteTo(at(120), at(110));
    expect(positions.report()).toEqual({ writeLsn: at(120), flushLsn: at(100) });
  });

  test('is told, when the server must know to the byte and all that came is flushed; and never taken back then', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100), at(60));
    positions.flushedTo(at(99));
    expect(positions.report(true)).toEqual({ writeLsn: at(100), flushLsn: at(60) });
    positions.flushedTo(at(100));
    expect(positions.report(true)).toEqual({ writeLsn: at(100), flushLsn: at(100) });
    expect(positions.report()).toEqual({ writeLsn: at(100), flushLsn: at(100) });
    positions.wroteTo(at(200), at(60));
    positions.flushedTo(at(200));
    expect(positions.report()).toEqual({ writeLsn: at(200), flushLsn: at(100) });
  });

  test('may have begun before the start', () => {
    const positions = new Positions({ ...start, verifiedLsn: at(-40) });
    expect(positions).toMatchObject({ writtenLsn: start.lsn, flushedLsn: start.lsn, verifiedLsn: at(-40) });
    expect(positions.report()).toEqual({ writeLsn: start.lsn, flushLsn: at(-40) });
    positions.wroteTo(at(100), at(-40));
    positions.flushedTo(at(100));
    expect(positions.report().flushLsn).toBe(at(-40));
    positions.wroteTo(at(200), at(120));
    expect(positions.report().flushLsn).toBe(at(100));
  });

  test('is forgotten where another timeline begins', () => {
    const positions = new Positions(start);
    positions.wroteTo(at(100), at(60));
    positions.flushedTo(at(100));
    positions.switchTo(toTimelineId(2), start.lsn);
    expect(positions.verifiedLsn).toBe(start.lsn);
    positions.wroteTo(at(10), at(5));
    expect(positions.verifiedLsn).toBe(at(5));
  });
});

test('what an earlier process acknowledged is not taken back: flush is unknown until it is reached again', () => {
  const positions = new Positions(start, at(100));
  expect(positions.report()).toEqual({ writeLsn: start.lsn, flushLsn: invalidLsn });
  positions.wroteTo(at(200));
  positions.flushedTo(at(99));
  expect(positions.report().flushLsn).toBe(invalidLsn);
  positions.flushedTo(at(100));
  expect(positions.report().flushLsn).toBe(at(100));
});

test('after a switch to the start of the segment flush is unknown until the old position is reached', () => {
  const positions = new Positions(start);
  positions.wroteTo(at(100));
  positions.flushedTo(at(100));
  positions.report();
  positions.switchTo(toTimelineId(2), start.lsn);
  expect(positions).toMatchObject({ timelineId: 2, writtenLsn: start.lsn, flushedLsn: start.lsn });
  expect(positions.report()).toEqual({ writeLsn: start.lsn, flushLsn: invalidLsn });
  positions.wroteTo(at(120));
  positions.flushedTo(at(120));
  expect(positions.report()).toEqual({ writeLsn: at(120), flushLsn: at(120) });
});

test('whatever happens, no report goes back, none passes what is durable and, but for the byte, right, and written is never behind', () => {
  const size = toWalSegmentSize(1024 * 1024);
  const operation = fc.oneof(
    fc.record({
      kind: fc.constant('write' as const),
      bytes: fc.nat(400_000),
      verified: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ kind: fc.constant('flush' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ kind: fc.constant('switch' as const) }),
    fc.record({ kind: fc.constant('report' as const), toTheByte: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 100 }), fc.nat(3_000_000), (operations, acknowledged) => {
      const positions = new Positions(start, at(acknowledged));
      let highestReported: Lsn = at(acknowledged);
      let highestDurable: Lsn = start.lsn;
      let highestVerified: Lsn = start.lsn;
      for (const step of operations) {
        if (step.kind === 'write') {
          const lsn = addToLsn(positions.writtenLsn, step.bytes);
          const unverified = Number(lsn - positions.verifiedLsn);
          positions.wroteTo(lsn, addToLsn(positions.verifiedLsn, Math.floor(unverified * step.verified)));
        }
        if (step.kind === 'flush') {
          const open = Number(positions.writtenLsn - positions.flushedLsn);
          positions.flushedTo(addToLsn(positions.flushedLsn, Math.floor(open * step.part)));
          if (positions.flushedLsn > highestDurable) highestDurable = positions.flushedLsn;
        }
        if (step.kind === 'switch') {
          positions.switchTo(toTimelineId(positions.timelineId + 1), roundDownToSegment(positions.flushedLsn, size));
        }
        expect(positions.writtenLsn).toBeGreaterThanOrEqual(positions.flushedLsn);
        expect(positions.writtenLsn).toBeGreaterThanOrEqual(positions.verifiedLsn);
        if (positions.verifiedLsn > highestVerified) highestVerified = positions.verifiedLsn;
        if (step.kind !== 'report') continue;
        const { flushLsn, writeLsn } = positions.report(step.toTheByte);
        expect(writeLsn).toBe(positions.writtenLsn);
        if (flushLsn === invalidLsn) continue;
        expect(flushLsn).toBeGreaterThanOrEqual(highestReported);
        expect(flushLsn).toBeLessThanOrEqual(highestDurable);
        if (flushLsn > highestReported && flushLsn > highestVerified)
          expect([step.toTheByte, flushLsn]).toEqual([true, writeLsn]);
        highestReported = flushLsn;
      }
    }),
  );
});

test('a keepalive that tells only what was sent does not count as the end while more is known to be there', () => {
  const positions = new Positions({ timelineId: timeline1, lsn: at(100) });
  positions.heard(at(300), 1000);
  positions.wroteTo(at(200));
  positions.flushedTo(at(200));
  positions.heard(at(200), 2000);
  expect(positions.caughtUpAtMs).toBe(0);
  positions.wroteTo(at(300));
  positions.flushedTo(at(300));
  expect(positions.caughtUpAtMs).toBe(1000);
  positions.heard(at(300), 3000);
  expect(positions.caughtUpAtMs).toBe(3000);
});
