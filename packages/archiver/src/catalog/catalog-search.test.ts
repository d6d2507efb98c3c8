import { join } from 'node:path';
import * as fc from 'fast-check';
import { toLsn, toTimelineId, type SegmentNumber } from '@walvault/wal';
import { expect, test } from 'vitest';
import { segmentName, TestServer } from '../../testing.ts';
import { Catalog } from '../index.ts';
import { CatalogSearch } from './catalog-search.ts';
import { CatalogTotals } from './catalog-totals.ts';
import { entryFor } from './catalog.test-support.ts';

function range(first: number, end: number, timelineId = 1) {
  return { timelineId: toTimelineId(timelineId), first: BigInt(first) as SegmentNumber, end: BigInt(end) as SegmentNumber };
}

/** Times and transactions of one segment; undefined for a segment without a commit. */
const contents = fc.option(
  fc.record({
    first: fc.integer({ min: 0, max: 40 }),
    more: fc.integer({ min: 0, max: 5 }),
    xid: fc.integer({ min: -20, max: 20 }),
  }),
  { nil: undefined },
);

test('finds by time and transaction what a look at every segment finds, with clocks that step and numbers that wrap', () => {
  using catalog = Catalog.inMemory();
  fc.assert(
    fc.property(
      fc.array(contents, { maxLength: 12 }),
      fc.integer({ min: 0, max: 46 }),
      fc.integer({ min: -20, max: 25 }),
      fc.tuple(fc.nat(12), fc.nat(13)),
      (segments, time, xid, [first, end]) => {
        catalog.forget(catalog.names());
        catalog.note(
          segments.map((content, number) =>
            entryFor(1, number, {
              statistics:
                content === undefined
                  ? {}
                  : {
                      commits: 1,
                      firstCommitTime: BigInt(content.first),
                      lastCommitTime: BigInt(content.first + content.more),
                      firstXid: content.xid >>> 0,
                      lastXid: (content.xid + content.more) >>> 0,
                    },
            }),
          ),
        );
        const inside = [...segments.entries()].filter(([number, content]) => content && number >= first && number < end);
        const found = (condition: (content: { first: number; more: number; xid: number }) => boolean) =>
          inside.filter(([, content]) => condition(content!)).map(([number]) => BigInt(number));
        const search = new CatalogSearch(catalog);
        const within = range(first, end);
        expect(search.firstCommittedAfter(within, BigInt(time))).toBe(found((c) => c.first + c.more > time)[0]);
        expect(search.firstCommittedBefore(within, BigInt(time))).toBe(found((c) => c.first <= time)[0]);
        expect(search.lastCommitted(within)).toBe(found(() => true).at(-1));
        expect(search.withTransaction(within, xid >>> 0)).toEqual(found((c) => c.xid <= xid && xid <= c.xid + c.more));
        expect(search.withEndsOfTransactions(within)).toEqual(found(() => true));
      },
    ),
    { numRuns: 60 },
  );
});

test('partial segments are not found', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  const entry = entryFor(1, 3, {
    statistics: { commits: 1, firstCommitTime: 5n, lastCommitTime: 9n, firstXid: 700, lastXid: 800 },
  });
  catalog.note([{ ...entry, facts: { ...entry.facts, name: `${entry.facts.name}.partial` } }]);
  const search = new CatalogSearch(catalog);
  expect(search.firstCommittedAfter(range(0, 9), 1n)).toBeUndefined();
  expect(search.withTransaction(range(0, 9), 700)).toEqual([]);
  expect(search.commitTimes(range(0, 9))).toBeUndefined();
  expect(new CatalogTotals(catalog).byTimeline()).toEqual([]);
});

function point(name: string, lsn: number) {
  return { name, time: BigInt(lsn), lsn: toLsn(lsn), endLsn: toLsn(lsn + 104) };
}

test('finds restore points by name, over timelines, in order of LSN', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  catalog.note([
    entryFor(2, 4, { statistics: { restorePoints: [point('a', 4_200_000)] } }),
    entryFor(1, 3, { statistics: { restorePoints: [point('b', 3_300_000), point('a', 3_400_000)] } }),
  ]);
  const search = new CatalogSearch(catalog);
  expect(search.restorePoints('a')).toEqual([
    { ...point('a', 3_400_000), timelineId: 1, segment: 3n },
    { ...point('a', 4_200_000), timelineId: 2, segment: 4n },
  ]);
  expect(search.restorePoints().map(({ name }) => name)).toEqual(['b', 'a', 'a']);
  expect(search.restorePoints(`a' OR 1=1 --`)).toEqual([]);
});

function withFacts(number: number, facts: object) {
  const entry = entryFor(1, number);
  return { ...entry, facts: { ...entry.facts, ...facts } };
}

test('tells bad segments and broken links in a range', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  catalog.note([
    withFacts(1, { verdict: 'bad' }),
    entryFor(1, 2),
    withFacts(3, { link: 'broken' }),
    withFacts(9, { verdict: 'bad' }),
  ]);
  expect(new CatalogSearch(catalog).faulty(range(1, 9))).toEqual([1n, 3n]);
});

test('sums by day, compression, timeline and resource manager', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  const rmgrs = [{ rmgr: 10, info: 2, count: 3, recordBytes: 300, fpiBytes: 8192 }];
  const noon = Date.UTC(2026, 6, 1, 12);
  const statistics = { rmgrs, commits: 2, firstCommitTime: 50n, lastCommitTime: 90n };
  catalog.note([
    entryFor(1, 1, { archivedAt: noon, storedBytes: 100, compression: 'zstd', statistics }),
    entryFor(1, 2, { archivedAt: noon, storedBytes: 200, statistics: { ...statistics, firstCommitTime: 10n } }),
    entryFor(2, 3, { archivedAt: noon + 86_400_000, storedBytes: 400, compression: 'zstd' }),
  ]);
  const totals = new CatalogTotals(catalog);
  const size = 1024 * 1024;
  expect(totals.byDay(10)).toEqual([
    { day: '2026-07-02', commits: 0, segments: 1, walBytes: size, storedBytes: 400 },
    { day: '2026-07-01', commits: 4, segments: 2, walBytes: 2 * size, storedBytes: 300 },
  ]);
  expect(totals.byDay(1).map(({ day }) => day)).toEqual(['2026-07-02']);
  expect(totals.byCompression()).toEqual([
    { compression: undefined, segments: 1, walBytes: size, storedBytes: 200 },
    { compression: 'zstd', segments: 2, walBytes: 2 * size, storedBytes: 500 },
  ]);
  expect(totals.byTimeline()[0]).toMatchObject({
    good: 2,
    bad: 0,
    linked: 2,
    unlinked: 0,
    firstCommitTime: 10n,
    lastCommitTime: 90n,
  });
  expect(totals.byRmgr([range(1, 3)])).toEqual([{ rmgr: 10, info: 2, count: 6, recordBytes: 600, fpiBytes: 16_384 }]);
  expect(segmentName(1, 1)).toBe(catalog.names()[0]);
});
