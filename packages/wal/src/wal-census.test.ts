import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuiltWal, buildWal, pieces, randomItems, randomNumbers, type WalItem } from '../testing/index.ts';
import { addToLsn, type Lsn, lsnDistance, parseLsn } from './lsn.ts';
import { recordTypeName, rmgrName } from './rmgr-names.ts';
import { toWalSegmentSize } from './segment.ts';
import { toTimelineId } from './timeline.ts';
import { WalCensus } from './wal-census.ts';
import { WalChecker, type WalCheckerOptions, type WalFault } from './wal-checker.ts';
import type { WalEvent } from './wal-event.ts';
import { decodeWalSeam, encodeWalSeam, type WalSeam } from './wal-seam.ts';
import type { WalStatistics } from './wal-statistics.ts';

const mebibyte = 1024 * 1024;
const common = {
  walSegmentSize: toWalSegmentSize(mebibyte),
  timelineId: toTimelineId(1),
  systemIdentifier: 7_711_030_578_120_921_605n,
};

/** All that one or several checkers say. */
interface Count {
  readonly fault: Pick<WalFault, 'kind' | 'lsn' | 'problem'> | undefined;
  readonly verifiedLsn: Lsn;
  readonly statistics: WalStatistics;
  readonly events: readonly WalEvent[];
}

function count(options: WalCheckerOptions, bytes: Iterable<Buffer>): Count & { readonly seam: WalSeam | undefined } {
  const events: WalEvent[] = [];
  const census = new WalCensus({ onEvent: (event) => events.push(event) });
  const checker = new WalChecker({ ...options, census });
  let fault: WalFault | undefined;
  for (const piece of bytes) fault = checker.check(piece);
  return { fault, verifiedLsn: checker.verifiedLsn, statistics: census.statistics(), events, seam: checker.seam };
}

/** The same by one checker after another, each of which has no more of the one before than the bytes of its seam. */
function countInParts(options: WalCheckerOptions, bytes: Buffer, cuts: readonly number[]): Count {
  const parts: Count[] = [];
  let seam: WalSeam | undefined;
  for (const [index, start] of [0, ...cuts].entries()) {
    const from = { ...options, startLsn: addToLsn(options.startLsn, start), seam };
    const part = count(from, pieces(bytes.subarray(start, cuts[index]), index));
    parts.push(part);
    if (part.fault !== undefined) break;
    seam = part.seam && decodeWalSeam(encodeWalSeam(part.seam));
  }
  const { fault, verifiedLsn } = parts.at(-1)!;
  return { fault, verifiedLsn, statistics: sumOf(parts), events: parts.flatMap(({ events }) => events) };
}

function sumOf(parts: readonly Count[]): WalStatistics {
  const all = parts.map(({ statistics }) => statistics);
  const rmgrs = new Map<number, WalStatistics['rmgrs'][number]>();
  for (const one of all.flatMap((statistics) => statistics.rmgrs)) {
    const key = one.rmgr * 256 + one.info;
    const sum = rmgrs.get(key) ?? { ...one, count: 0, recordBytes: 0, fpiBytes: 0 };
    const { count: records, recordBytes, fpiBytes } = one;
    rmgrs.set(key, {
      ...sum,
      count: sum.count + records,
      recordBytes: sum.recordBytes + recordBytes,
      fpiBytes: sum.fpiBytes + fpiBytes,
    });
  }
  const sum = (of: (statistics: WalStatistics) => number): number => all.reduce((total, one) => total + of(one), 0);
  const times = all.flatMap((one) => [one.firstCommitTime, one.lastCommitTime]).filter((time) => time !== undefined);
  const xids = all.flatMap((one) => [one.firstXid, one.lastXid]).filter((xid) => xid !== undefined);
  return {
    records: sum(({ records }) => records),
    firstRecordLsn: all.find((one) => one.records > 0)?.firstRecordLsn,
    endLsn: all.findLast((one) => one.records > 0)?.endLsn,
    commits: sum(({ commits }) => commits),
    aborts: sum(({ aborts }) => aborts),
    firstCommitTime: times.toSorted(byValue)[0],
    lastCommitTime: times.toSorted(byValue).at(-1),
    firstXid: xids.toSorted(byValue)[0],
    lastXid: xids.toSorted(byValue).at(-1),
    rmgrs: [...rmgrs].toSorted(([a], [b]) => a - b).map(([, one]) => one),
    restorePoints: all.flatMap(({ restorePoints }) => restorePoints),
  };
}

const byValue = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : 1);

/** Random records, and among them transactions, restore points and checkpoints. */
function* recordsToCount(seed: number, length: number): Generator<WalItem> {
  const random = randomNumbers(seed + 1);
  const upTo = (most: number): number => Math.floor(random() * most);
  for (const item of randomItems({ seed, count: length, cutOffEvery: 60, switchEvery: 90, longEvery: 15 })) {
    yield item;
    if (upTo(3) === 0) yield { rmgr: 1, info: upTo(5) << 4, body: xactBody(BigInt(upTo(1_000_000))) };
    if (upTo(20) === 0) yield { rmgr: 1, info: 0xb0, body: preparedBody(upTo(20_000), upTo(100_000)) };
    if (upTo(20) === 0) yield { rmgr: 0, info: 0x70, body: restorePointBody(`point ${upTo(100)}`) };
    if (upTo(20) === 0) yield { rmgr: 0, info: 0x10, body: mainData(Buffer.alloc(88, 3)) };
  }
}

function mainData(data: Buffer): Buffer {
  const head = data.length < 256 ? Buffer.of(255, data.length) : Buffer.of(254, 0, 0, 0, 0);
  if (data.length >= 256) head.writeUInt32LE(data.length, 1);
  return Buffer.concat([head, data]);
}

function xactBody(time: bigint): Buffer {
  const data = Buffer.alloc(8);
  data.writeBigInt64LE(time);
  return mainData(data);
}

/** COMMIT_PREPARED with many subtransactions before the transaction itself. */
function preparedBody(subtransactions: number, xid: number): Buffer {
  const data = Buffer.alloc(16 + 4 * subtransactions + 4);
  data.writeUInt32LE(0x12, 8);
  data.writeUInt32LE(subtransactions, 12);
  data.writeUInt32LE(xid, data.length - 4);
  return mainData(data);
}

function restorePointBody(name: string): Buffer {
  const data = Buffer.alloc(72);
  data.writeBigInt64LE(5n);
  data.write(name, 8);
  return mainData(data);
}

function build(seed: number, length: number): { readonly options: WalCheckerOptions; readonly wal: BuiltWal } {
  const startLsn = parseLsn(['0/5000000', '0/FFF00000', 'FFFFFFFE/FFF00000'][seed % 3]!);
  const major = [10, 14, 15, 18, 19][seed % 5]!;
  const wal = buildWal({ ...common, startLsn, major, items: recordsToCount(seed, length), continuationLength: seed % 300 });
  return { options: { ...common, startLsn }, wal };
}

const anySeed = fc.nat(1_000_000);

describe('a census', () => {
  test('counts the same however the WAL is cut into pieces', () => {
    fc.assert(
      fc.property(anySeed, fc.constantFrom(1, 30, 1000, 9000, 200_000), (seed, largest) => {
        const { options, wal } = build(seed, largest === 1 ? 20 : 200);
        const whole = count(options, [wal.bytes]);
        expect(whole).toMatchObject({ fault: undefined, verifiedLsn: wal.endLsn });
        expect(whole.statistics).toMatchObject({
          records: wal.records.length,
          firstRecordLsn: wal.records[0]!.startLsn,
          endLsn: wal.endLsn,
        });
        expect(count(options, pieces(wal.bytes, seed, largest))).toEqual(whole);
        // Nobody wants to know of events.
        const census = new WalCensus();
        new WalChecker({ ...options, census }).check(wal.bytes);
        expect(census.statistics()).toEqual(whole.statistics);
      }),
      { numRuns: 20 },
    );
  });

  test('counts the same when checkers follow one another, each with the seam of the one before', () => {
    fc.assert(
      fc.property(anySeed, fc.constantFrom(1, 5, 128), fc.boolean(), (seed, pages, isDamaged) => {
        const { options, wal } = build(seed, 400);
        const random = randomNumbers(seed);
        if (isDamaged) wal.bytes[40 + Math.floor(random() * (wal.bytes.length - 40))]! ^= 1 << Math.floor(random() * 8);
        const step = pages * 8192;
        const cuts = Array.from({ length: Math.floor(wal.bytes.length / step) }, (_, index) => (index + 1) * step);
        const { seam: _seam, ...whole } = count(options, [wal.bytes]);
        expect(countInParts(options, wal.bytes, cuts)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });

  test('finds the transaction behind the lists in the record of a prepared one', () => {
    const startLsn = parseLsn('0/5000000');
    const items = [0, 1, 40, 100_000, 400_000].map((length) => ({ rmgr: 1, info: 0xb0, body: preparedBody(length, 77) }));
    const { bytes } = buildWal({ ...common, startLsn, items });
    const { events, statistics } = count({ ...common, startLsn }, pieces(bytes, 1));
    // The last one is longer than anybody keeps.
    expect(events.map(({ kind, xid }) => [kind, xid])).toEqual([77, 77, 77, 77, 0].map((xid) => ['commitPrepared', xid]));
    expect(statistics).toMatchObject({ commits: 5, firstXid: 77, lastXid: 77 });
  });

  test('orders transactions as PostgreSQL does, where their numbers go round', () => {
    const startLsn = parseLsn('0/5000000');
    const items = [0, 4_294_967_290, 3, 900, 4_294_967_200].map((xid) => ({ rmgr: 1, info: 0xb0, body: preparedBody(0, xid) }));
    const { bytes } = buildWal({ ...common, startLsn, items });
    const { statistics } = count({ ...common, startLsn }, [bytes]);
    expect(statistics).toMatchObject({ firstXid: 4_294_967_200, lastXid: 900 });
  });

  test('is not told of a record that is not right', () => {
    const { options, wal } = build(8, 50);
    const last = wal.records.at(-1)!;
    wal.bytes[lsnDistance(options.startLsn, last.startLsn) + 30]! ^= 1;
    expect(count(options, [wal.bytes]).statistics).toMatchObject({ records: wal.records.length - 1 });
  });

  test('leaves out the record in the middle of which it takes over from a checker that had none', () => {
    const startLsn = parseLsn('0/5000000');
    const { bytes } = buildWal({ ...common, startLsn, items: [{ body: Buffer.alloc(9000) }, { body: Buffer.alloc(50) }] });
    const first = new WalChecker({ ...common, startLsn });
    first.check(bytes.subarray(0, 8192));
    const second = count({ ...common, startLsn: addToLsn(startLsn, 8192), seam: first.seam }, [bytes.subarray(8192)]);
    expect(second).toMatchObject({ fault: undefined, statistics: { records: 1 } });
  });
});

describe('names', () => {
  test('are those of the version', () => {
    expect([0, 10, 22, 127, 128, 255].map(rmgrName)).toEqual([
      'XLOG',
      'Heap',
      'XLOG2',
      'UNKNOWN (127)',
      'custom128',
      'custom255',
    ]);
    expect([0xd093, 0xd10d, 0xd118, undefined].map((magic) => recordTypeName(9, 1, magic))).toEqual([
      'CLEAN',
      'PRUNE',
      'PRUNE_ON_ACCESS',
      'PRUNE_ON_ACCESS',
    ]);
    expect(recordTypeName(10, 15, 0xd118)).toBe('UNKNOWN (f0)');
    expect(recordTypeName(200, 1, 0xd118)).toBe('UNKNOWN (10)');
  });
});
