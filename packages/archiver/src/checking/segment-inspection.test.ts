import { createHash } from 'node:crypto';
import {
  addToLsn,
  historyFileName,
  type Lsn,
  parseHistoryFile,
  parseLsn,
  parseWalFileName,
  toTimelineId,
  toWalSegmentSize,
  walFileNameAt,
} from '@walvault/wal';
import { buildWal, type BuildWalOptions, pieces, randomItems, randomNumbers, type WalItem } from '@walvault/wal/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { predecessorName } from './predecessor-name.ts';
import type { SegmentFacts } from './segment-facts.ts';
import { type InspectionOptions, SegmentInspection } from './segment-inspection.ts';

const mebibyte = 1024 * 1024;
const startLsn = parseLsn('0/5000000');
const common = {
  startLsn,
  walSegmentSize: toWalSegmentSize(mebibyte),
  timelineId: toTimelineId(1),
  systemIdentifier: 7_711_030_578_120_921_605n,
};

interface Segment {
  readonly file: SegmentFileName;
  readonly bytes: Buffer;
}

/** Cuts WAL into its segments; what is left at the end is a partial one. */
function segmentsOf(bytes: Buffer, timelineId = 1): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0; at < bytes.length; at += mebibyte) {
    const name = walFileNameAt(toTimelineId(timelineId), addToLsn(startLsn, at), common.walSegmentSize);
    const isWhole = at + mebibyte <= bytes.length;
    const file = segmentName(isWhole ? name : `${name}.partial`);
    segments.push({ file, bytes: bytes.subarray(at, at + mebibyte) });
  }
  return segments;
}

function segmentName(name: string): SegmentFileName {
  const file = parseWalFileName(name);
  if (!isSegmentFile(file)) throw new Error(`${name} is no segment`);
  return file;
}

function inspect({ file, bytes }: Segment, options: InspectionOptions = {}, chunks: Iterable<Buffer> = [bytes]): SegmentFacts {
  const inspection = new SegmentInspection(file, options);
  for (const chunk of chunks) inspection.take(chunk);
  return inspection.finish();
}

/** One after the other, each with the seam of the one before. */
function inspectAll(segments: readonly Segment[], options: InspectionOptions = {}): SegmentFacts[] {
  const facts: SegmentFacts[] = [];
  for (const segment of segments) facts.push(inspect(segment, { ...options, predecessor: facts.at(-1)?.seam }));
  return facts;
}

function wal(choices: Partial<BuildWalOptions> & { readonly count?: number; readonly seed?: number } = {}) {
  const { count = 9000, seed = 1 } = choices;
  return buildWal({ ...common, items: randomItems({ seed, count, longEvery: 100 }), ...choices });
}

describe('a complete segment', () => {
  test('is good, and its link is proven by the seam of the one before, whatever happens at the boundary', () => {
    const anyMajor = fc.constantFrom(10, 15, 18, 19);
    fc.assert(
      fc.property(fc.nat(1_000_000), anyMajor, fc.constantFrom(0, 90), (seed, major, switchEvery) => {
        const items = randomItems({ seed, count: 400, longEvery: 2, switchEvery, cutOffEvery: switchEvery });
        const built = buildWal({ ...common, major, items });
        const facts = inspectAll(segmentsOf(built.bytes));
        expect(facts.map(({ verdict, fault, link }) => ({ verdict, fault, link }))).toEqual(
          facts.map((_, index) => ({ verdict: 'good', fault: undefined, link: index === 0 ? 'unknown' : 'proven' })),
        );
        expect(facts.reduce((sum, { statistics }) => sum + statistics.records, 0)).toBe(built.records.length);
        expect(facts.at(-1)).toMatchObject({ verifiedLsn: built.endLsn });
      }),
      { numRuns: 12 },
    );
  });

  test('gives the same facts in chunks of any size', () => {
    const segments = segmentsOf(wal().bytes);
    const [first, second] = inspectAll(segments);
    for (const largest of [300, 70_000]) {
      const chunks = pieces(segments[1]!.bytes, largest, largest);
      expect(inspect(segments[1]!, { predecessor: first!.seam }, chunks)).toEqual(second);
    }
    expect(second).toMatchObject({
      name: '000000010000000000000051',
      timelineId: 1,
      startLsn: addToLsn(startLsn, mebibyte),
      walSegmentSize: mebibyte,
      systemIdentifier: common.systemIdentifier,
      magic: 0xd118,
      sha256: createHash('sha256').update(segments[1]!.bytes).digest('hex'),
    });
  });

  test('is good in itself without a seam, and with one that is damaged or of another place; its link is unknown', () => {
    const [first, second] = segmentsOf(wal().bytes);
    const { seam } = inspect(first!);
    for (const predecessor of [undefined, seam!.subarray(1), inspect(second!).seam]) {
      expect(inspect(second!, { predecessor })).toMatchObject({ verdict: 'good', link: 'unknown', fault: undefined });
    }
  });

  test('that does not follow is right in itself, its link is broken, and the next one follows it', () => {
    const [first, second, third] = segmentsOf(wal().bytes);
    const other = inspect(segmentsOf(wal({ seed: 2 }).bytes)[0]!);
    const facts = inspect(second!, { predecessor: other.seam });
    const alone = inspect(second!);
    expect(facts).toEqual({ ...alone, link: 'broken', linkFault: facts.linkFault });
    expect(facts.linkFault).toMatchObject({ kind: 'page', lsn: addToLsn(startLsn, mebibyte) });
    expect(inspect(third!, { predecessor: facts.seam })).toMatchObject({ verdict: 'good', link: 'proven' });
    // A wrong bit in the rest of the record that began before is no matter of the segment alone.
    const damaged = { ...second!, bytes: Buffer.from(second!.bytes) };
    damaged.bytes[40]! ^= 1;
    const linked = inspect(damaged, { predecessor: inspect(first!).seam });
    expect(linked).toMatchObject({ verdict: 'good', link: 'broken', linkFault: { kind: 'record' } });
    expect(linked.linkFault!.lsn).toBeLessThan(linked.startLsn);
  });

  test('with one wrong bit is bad or does not follow, unless the bit means nothing', () => {
    const [first, second] = segmentsOf(wal().bytes);
    // The padding behind records and in page headers means nothing, and one flag.
    const [, same] = segmentsOf(wal({ filler: 0xff }).bytes);
    const { seam } = inspect(first!);
    const random = randomNumbers(5);
    for (let round = 0; round < 200; round += 1) {
      const bytes = Buffer.from(second!.bytes);
      const at = Math.floor(random() * (round % 2 === 0 ? mebibyte : 9000));
      const bit = 1 << Math.floor(random() * 8);
      bytes[at]! ^= bit;
      const { verdict, link } = inspect({ file: second!.file, bytes }, { ...common, predecessor: seam });
      const meansSomething = ((second!.bytes[at]! ^ same!.bytes[at]!) & bit) === 0;
      if ((verdict === 'bad' || link === 'broken') !== meansSomething) throw new Error(`bit ${bit} of byte ${at}`);
    }
  });

  test('is bad from its first wrong record on, and nothing is said about its link when it is wrong either way', () => {
    const [first, second] = segmentsOf(wal().bytes);
    const { seam } = inspect(first!);
    for (const [at, link] of [
      [700_000, 'proven'],
      [8, 'unknown'],
    ] as const) {
      const bytes = Buffer.from(second!.bytes);
      bytes.fill(0, at, at + 300);
      const facts = inspect({ file: second!.file, bytes }, { predecessor: seam });
      expect(facts).toMatchObject({ verdict: 'bad', link, seam: undefined });
      expect(facts.fault!.lsn).toBeGreaterThanOrEqual(facts.startLsn);
      expect(facts.fault!.lsn).toBeLessThan(addToLsn(startLsn, mebibyte + at + 300));
    }
  });

  test.each([
    [
      'too short',
      (bytes: Buffer) => bytes.subarray(0, 900_000),
      'it is not there, since the file ends after 900000 of 1048576 bytes',
    ],
    ['empty', (bytes: Buffer) => bytes.subarray(0, 0), 'it is not there, since the file ends after 0 of 1048576 bytes'],
    [
      'too long',
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(8)]),
      'it lies behind the end of the segment, in a file of 1048584 bytes',
    ],
  ])('that is %s is bad', (_, change, problem) => {
    const [first] = segmentsOf(wal().bytes);
    const facts = inspect({ file: first!.file, bytes: change(first!.bytes) }, common);
    expect(facts).toMatchObject({ verdict: 'bad', fault: { kind: 'page', problem }, seam: undefined });
  });

  test('of another cluster, or under the name of another segment, is bad', () => {
    const [first, second] = segmentsOf(wal().bytes);
    expect(inspect(first!, { systemIdentifier: 5n })).toMatchObject({ verdict: 'bad', fault: { lsn: startLsn } });
    expect(inspect({ file: first!.file, bytes: second!.bytes })).toMatchObject({ verdict: 'bad', fault: { lsn: startLsn } });
    const impossible = inspect({ file: segmentName('0000000100000000FFFFFFFF'), bytes: first!.bytes });
    expect(impossible).toMatchObject({ verdict: 'bad', fault: { lsn: 0n } });
  });

  test('of a version yet to come is good as long as its pages are right', () => {
    const [first, second] = segmentsOf(wal().bytes).map((segment) => ({ ...segment, bytes: asNewer(segment.bytes) }));
    const facts = inspect(first!);
    expect(facts).toMatchObject({ verdict: 'good', magic: 0xd1f3 });
    expect(inspect(second!, { predecessor: facts.seam })).toMatchObject({ verdict: 'good', link: 'proven' });
  });

  test('in the middle of a record longer than a segment follows, and the end of the record proves it', () => {
    const items: WalItem[] = [{ body: Buffer.alloc(3 * mebibyte, 'x') }, { body: Buffer.alloc(mebibyte) }];
    const facts = inspectAll(segmentsOf(buildWal({ ...common, items }).bytes));
    expect(facts.map(({ verdict, link }) => [verdict, link])).toEqual([
      ['good', 'unknown'],
      ['good', 'proven'],
      ['good', 'proven'],
      ['good', 'proven'],
      ['good', 'proven'],
    ]);
    expect(facts[1]!.verifiedLsn).toBe(startLsn);
    expect(facts[1]!.statistics.records).toBe(0);
  });
});

function asNewer(bytes: Buffer): Buffer {
  const newer = Buffer.from(bytes);
  for (let at = 0; at < newer.length; at += 8192) newer.writeUInt16LE(0xd1f3, at);
  return newer;
}

describe('a partial segment', () => {
  const file = segmentName('000000010000000000000050.partial');
  const { bytes, endLsn, records } = wal({ count: 1000 });
  const padded = Buffer.concat([bytes], mebibyte);
  /** In the middle of a record that goes over pages. */
  const long = records.find((record) => record.endLsn - record.startLsn > 20_000n)!;
  const inLong = Number(long.startLsn - startLsn) + 10_000;

  const cases: [string, Buffer, { verifiedLsn: Lsn; rest: string }][] = [
    ['ends with its last record', bytes, { verifiedLsn: endLsn, rest: 'nothing' }],
    ['is filled up with zeros', padded, { verifiedLsn: endLsn, rest: 'zeros' }],
    ['is empty', Buffer.alloc(0), { verifiedLsn: startLsn, rest: 'nothing' }],
    ['is nothing but zeros', Buffer.alloc(mebibyte), { verifiedLsn: startLsn, rest: 'zeros' }],
    ['ends in a record', bytes.subarray(0, inLong), { verifiedLsn: long.startLsn, rest: 'beginning' }],
    [
      'ends in a record with zeros behind it',
      Buffer.concat([bytes.subarray(0, inLong)], mebibyte),
      { verifiedLsn: long.startLsn, rest: 'beginning' },
    ],
    [
      'was another segment before',
      Buffer.concat([padded.subarray(0, bytes.length + 8192 - (bytes.length % 8192)), staleRest()]),
      { verifiedLsn: endLsn, rest: 'stale' },
    ],
  ];
  test.each(cases)('that %s is good up to there', (_, content, expected) => {
    for (const largest of [5000, mebibyte]) {
      const facts = inspect({ file, bytes: content }, common, pieces(content, 1, largest));
      expect(facts).toMatchObject({ verdict: 'good', fault: undefined, seam: undefined, ...expected });
    }
  });

  /** Pages of the segment before, with the length of the rest. */
  function staleRest(): Buffer {
    const other = segmentsOf(wal({ startLsn: parseLsn('0/4F00000') }).bytes)[0]!.bytes;
    return other.subarray(bytes.length + 8192 - (bytes.length % 8192));
  }

  test('in which WAL goes on behind what is wrong is bad', () => {
    for (const [at, kind] of [
      [inLong, 'record'],
      [10 * 8192 + 2, 'page'],
    ] as const) {
      const damaged = Buffer.from(padded);
      damaged[at]! ^= 1;
      expect(inspect({ file, bytes: damaged }, common)).toMatchObject({ verdict: 'bad', fault: { kind }, rest: undefined });
    }
  });

  test('that is full and right says so by where it is right up to', () => {
    const [full] = segmentsOf(wal({ items: [{ body: Buffer.alloc(100) }, { kind: 'switch' }] }).bytes);
    const facts = inspect({ ...full!, file });
    expect(facts).toMatchObject({ verdict: 'good', rest: 'nothing', verifiedLsn: addToLsn(startLsn, mebibyte) });
  });

  test('goes on with the segment before it', () => {
    const segments = segmentsOf(wal().bytes);
    expect(inspectAll(segments).at(-1)).toMatchObject({
      name: expect.stringMatching(/partial$/),
      link: 'proven',
      verdict: 'good',
    });
  });
});

describe('a timeline', () => {
  const histories = new Map([[toTimelineId(3), parseHistoryFile(toTimelineId(3), '1\t0/5180000\t\n2\t0/5300000\t\n')]]);
  const timelines = new Timelines(histories);

  function before(name: string): string | undefined {
    return predecessorName(segmentName(name), common.walSegmentSize, timelines);
  }

  test('begins behind a segment of the one that it came from', () => {
    expect(before('000000030000000000000054')).toBe('000000030000000000000053');
    // The third began at the start of a segment, the second in the middle of one.
    expect(before('000000030000000000000053')).toBe('000000020000000000000052');
    expect(before('000000020000000000000052')).toBe('000000020000000000000051');
    expect(before('000000020000000000000051')).toBe('000000010000000000000050');
    expect(before('000000010000000000000051.partial')).toBe('000000010000000000000050');
    expect(before('000000010000000000000001')).toBeUndefined();
    expect(before('000000090000000000000054')).toBe('000000090000000000000053');
    expect(historyFileName(toTimelineId(3))).toBe('00000003.history');
  });

  test('goes on in a segment whose first pages are of the one before', () => {
    const items = [...randomItems({ seed: 3, count: 5000 })];
    items.splice(2500, 0, { kind: 'timeline', timelineId: toTimelineId(2) });
    const segments = segmentsOf(buildWal({ ...common, items }).bytes, 2);
    expect(inspectAll(segments).map(({ verdict }) => verdict)).toEqual(segments.map(() => 'good'));
    expect(inspect({ ...segments.at(-2)!, file: segmentName(`00000001${segments.at(-2)!.file.name.slice(8)}`) })).toMatchObject({
      verdict: 'bad',
    });
  });
});
