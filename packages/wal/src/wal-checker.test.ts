import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BuiltWal,
  buildWal,
  type BuildWalOptions,
  checkSlowly,
  pieces,
  randomItems,
  randomNumbers,
  type WalItem,
} from '../testing/index.ts';
import { addToLsn, type Lsn, lsnDistance, parseLsn } from './lsn.ts';
import { toWalSegmentSize } from './segment.ts';
import { toTimelineId } from './timeline.ts';
import { WalChecker, type WalCheckerOptions, type WalFault } from './wal-checker.ts';

const mebibyte = 1024 * 1024;
const common = {
  walSegmentSize: toWalSegmentSize(mebibyte),
  timelineId: toTimelineId(3),
  systemIdentifier: 7_711_030_578_120_921_605n,
};

/** All that a checker says in the end. */
interface Verdict {
  readonly fault: { readonly kind: string; readonly lsn: Lsn } | undefined;
  readonly verifiedLsn: Lsn;
}

function verdict(options: WalCheckerOptions, bytes: Iterable<Buffer>): Verdict {
  const checker = new WalChecker(options);
  let fault: WalFault | undefined;
  for (const piece of bytes) fault = checker.check(piece);
  return { fault: fault && { kind: fault.kind, lsn: fault.lsn }, verifiedLsn: checker.verifiedLsn };
}

function slowVerdict(options: WalCheckerOptions, bytes: Buffer): Verdict {
  const { fault, verifiedLsn } = checkSlowly(bytes, options);
  return { fault, verifiedLsn };
}

/** A plan of WAL with all that can happen in it: starts, versions, page sizes, timelines, switches, records cut off. */
interface Plan {
  readonly seed: number;
  readonly major: number;
  readonly walPageSize: number;
  readonly segment: string;
  readonly pagesIntoSegment: number;
  readonly continuationLength: number;
  readonly count: number;
  readonly switchEvery: number;
  readonly cutOffEvery: number;
  readonly longEvery: number;
}

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(1_000_000),
  major: fc.constantFrom(10, 11, 13, 15, 18, 19),
  walPageSize: fc.constantFrom(1024, 8192, 65_536),
  segment: fc.constantFrom('0/5000000', '0/FFF00000', 'FFFFFFFE/FFF00000'),
  pagesIntoSegment: fc.nat(15),
  continuationLength: fc.constantFrom(0, 0, 1, 8, 5000, 150_000),
  count: fc.nat(300),
  switchEvery: fc.constantFrom(0, 200),
  cutOffEvery: fc.constantFrom(0, 40),
  longEvery: fc.constantFrom(0, 5, 30),
});

/** The WAL of a plan, in a buffer whose offsets in memory are not those of the WAL, and what a checker is told about it. */
function build(plan: Plan): { readonly options: WalCheckerOptions; readonly wal: BuiltWal } {
  const { seed, segment, walPageSize, pagesIntoSegment } = plan;
  const startLsn = addToLsn(parseLsn(segment), pagesIntoSegment * walPageSize);
  const items = timelines(randomItems(plan), seed);
  const wal = buildWal({ ...common, ...plan, startLsn, timelineId: toTimelineId(1), items, filler: seed & 0xff });
  return { options: { ...common, startLsn, walPageSize }, wal: { ...wal, bytes: displaced(wal.bytes, seed % 32) } };
}

/** Timelines 2 and 3 begin somewhere. */
function* timelines(items: Iterable<WalItem>, seed: number): Generator<WalItem> {
  let made = 0;
  for (const item of items) {
    if (made === seed % 50) yield { kind: 'timeline', timelineId: toTimelineId(2) };
    if (made === 50 + (seed % 200)) yield { kind: 'timeline', timelineId: toTimelineId(3) };
    yield item;
    made += 1;
  }
}

function displaced(bytes: Buffer, by: number): Buffer {
  return Buffer.concat([Buffer.alloc(by), bytes]).subarray(by);
}

const anyLargestPiece = fc.constantFrom(40, 1000, 9000, 200_000);

describe('WAL as PostgreSQL writes it', () => {
  test('is right up to its last record, however it is cut into pieces', () => {
    fc.assert(
      fc.property(anyPlan, anyLargestPiece, (plan, largest) => {
        const { options, wal } = build(plan);
        const right = { fault: undefined, verifiedLsn: wal.endLsn };
        expect(verdict(options, [wal.bytes])).toEqual(right);
        expect(verdict(options, pieces(wal.bytes, plan.seed, largest))).toEqual(right);
      }),
      { numRuns: 60 },
    );
  });

  test('is right as far as it is there, and from there another checker goes on', () => {
    fc.assert(
      fc.property(anyPlan, anyLargestPiece, fc.double({ min: 0, max: 1, noNaN: true }), (plan, largest, part) => {
        const { options, wal } = build(plan);
        const beginning = wal.bytes.subarray(0, Math.floor(part * wal.bytes.length));
        const first = verdict(options, pieces(beginning, plan.seed, largest));
        expect(first).toEqual(slowVerdict(options, beginning));
        const behind = wal.bytes.subarray(lsnDistance(wal.startLsn, first.verifiedLsn));
        const second = { ...options, startLsn: first.verifiedLsn };
        expect(verdict(second, pieces(behind, plan.seed, largest))).toEqual({ fault: undefined, verifiedLsn: wal.endLsn });
      }),
      { numRuns: 60 },
    );
  });

  test('is verified record by record, and between them a record is open', () => {
    const plan: Plan = { ...quietPlan, count: 200, longEvery: 10, switchEvery: 100 };
    const { options, wal } = build(plan);
    const checker = new WalChecker(options);
    const ends: Lsn[] = [];
    for (let at = 0; at < wal.bytes.length; at += 8) {
      checker.check(wal.bytes.subarray(at, at + 8));
      expect(checker.checkedLsn).toBe(addToLsn(wal.startLsn, at + 8));
      expect(checker.hasOpenRecord).toBe(wal.records.some((record) => isInside(checker.checkedLsn, record)));
      if (checker.verifiedLsn !== (ends.at(-1) ?? wal.startLsn)) ends.push(checker.verifiedLsn);
    }
    expect(ends).toEqual(wal.records.map((record) => record.endLsn));
    expect(ends).toEqual(checkSlowly(wal.bytes, options).recordEnds);
  });

  test('may be any number of bytes of a record that began before', () => {
    const { options, wal } = build({ ...quietPlan, count: 1, continuationLength: 3 * mebibyte });
    const checker = new WalChecker(options);
    for (const piece of pieces(wal.bytes.subarray(0, 3 * mebibyte), 1)) expect(checker.check(piece)).toBeUndefined();
    expect(checker.verifiedLsn).toBe(wal.startLsn);
    expect(checker.hasOpenRecord).toBe(true);
    checker.check(wal.bytes.subarray(3 * mebibyte));
    expect(checker.verifiedLsn).toBe(wal.endLsn);
    expect(checker.hasOpenRecord).toBe(false);
  });
});

const quietPlan: Plan = {
  seed: 7,
  major: 18,
  walPageSize: 8192,
  segment: '0/5000000',
  pagesIntoSegment: 0,
  continuationLength: 0,
  count: 100,
  switchEvery: 0,
  cutOffEvery: 0,
  longEvery: 0,
};

function isInside(lsn: Lsn, record: { readonly startLsn: Lsn; readonly endLsn: Lsn }): boolean {
  return record.startLsn < lsn && lsn < record.endLsn;
}

const body = (length: number): Buffer => Buffer.alloc(length, 'body');

describe('damage', () => {
  // Small pages, so that everything there is fits into some kilobytes.
  const startLsn = addToLsn(parseLsn('0/5000000'), mebibyte - 6 * 1024);
  const options = { ...common, startLsn, timelineId: toTimelineId(1), walPageSize: 1024 };
  const items: readonly WalItem[] = [
    ...[0, 3, 900, 17].map((length) => ({ body: body(length) })),
    { kind: 'cutOff', body: body(1900), pages: 2 },
    ...[30, 61].map((length) => ({ body: body(length) })),
    { kind: 'switch' },
    ...[100, 5, 1100, 9].map((length) => ({ body: body(length) })),
  ];

  test.each([10, 18, 19])('of any one bit is found in WAL of PostgreSQL %i, unless the bit means nothing', (major) => {
    const one: BuildWalOptions = { ...options, items, major, continuationLength: 304 };
    const { bytes, endLsn, records } = buildWal(one);
    // What is left of a record that was cut off has no checksum, and nobody reads it.
    const cutOff = [records[3]!.endLsn, records[4]!.startLsn].map((lsn) => lsnDistance(startLsn, lsn));
    const same = buildWal({ ...one, filler: 0xff }).bytes;
    for (const right of [bytes, same]) expect(verdict(options, [right])).toEqual({ fault: undefined, verifiedLsn: endLsn });
    for (let at = 0; at < bytes.length; at += 1) {
      if (at >= cutOff[0]! && at < cutOff[1]!) continue;
      for (let bit = 1; bit < 256; bit <<= 1) {
        bytes[at]! ^= bit;
        const { fault, verifiedLsn } = verdict(options, [bytes]);
        bytes[at]! ^= bit;
        const meansSomething = ((bytes[at]! ^ same[at]!) & bit) === 0;
        // The magic of the first page, and how long the rest of a record is that it begins with, are believed until later.
        const isBelieved = at < 2 || (at >= 16 && at < 20);
        const isFound = isBelieved ? fault !== undefined : lsnDistance(startLsn, verifiedLsn) <= at;
        if (meansSomething ? !isFound : fault !== undefined) throw new Error(`bit ${bit} of byte ${at}`);
      }
    }
  });

  test('is found where the simplest checker finds it, however the WAL is cut into pieces', () => {
    const kinds = fc.constantFrom<Damage>(flipByte, zeroFrom, repeatPage, loseEight);
    fc.assert(
      fc.property(anyPlan, anyLargestPiece, kinds, fc.nat(1_000_000), (plan, largest, damage, seed) => {
        const { options, wal } = build({ ...plan, count: plan.count + 1 });
        const bytes = damage(wal.bytes, randomNumbers(seed), plan.walPageSize);
        const expected = slowVerdict(options, bytes);
        expect(verdict(options, [bytes])).toEqual(expected);
        expect(verdict(options, pieces(bytes, seed, largest))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

/** Leaves the magic of the first page alone, since that of a future version is believed. */
type Damage = (bytes: Buffer, random: () => number, pageSize: number) => Buffer;

const flipByte: Damage = (bytes, random) => {
  bytes[2 + Math.floor(random() * (bytes.length - 2))]! ^= 1 << Math.floor(random() * 8);
  return bytes;
};
const zeroFrom: Damage = (bytes, random) => bytes.fill(0, 2 + Math.floor(random() * (bytes.length - 2)));
const repeatPage: Damage = (bytes, random, pageSize) => {
  const page = Math.floor(random() * (bytes.length / pageSize)) * pageSize;
  bytes.copyWithin(page + pageSize, page, page + pageSize);
  return bytes;
};
const loseEight: Damage = (bytes, random) => {
  const at = 8 + Math.floor((random() * (bytes.length - 8)) / 8) * 8;
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 8)]);
};
