import { randomFillSync } from 'node:crypto';
import { mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { type Disk, nodeDisk } from '@walvault/durable-fs';
import { FaultyDisk, Random } from '@walvault/testkit/faulty-disk';
import type { Lsn } from '@walvault/wal';
import { buildWal, checkSlowly, randomItems } from '@walvault/wal/testing';
import { describe, expect } from 'vitest';
import { lineageOf } from './lineage.ts';
import { test } from './test-directory.test-support.ts';
import {
  archiveOf,
  at,
  layOut,
  nameOf,
  record,
  restFrom,
  resumeOf,
  segmentOf,
  segmentStartOf,
  size,
  startLsn,
  systemIdentifier,
  timeline1,
  timeline2,
  walOf,
} from './wal-directory.test-support.ts';

const garbage = randomFillSync(Buffer.alloc(size));
/** Less than a segment of short records. */
const short = walOf(Array.from({ length: 500 }, () => record(200)));
/** A record begins in the first segment and ends in the second one, behind which come others. */
const over = walOf([record(size - 5000), record(10_000), ...Array.from({ length: 500 }, () => record(200))]);
/** As before, but the record begins in the first and ends in the third segment. */
const long = walOf([record(size - 5000), record(size + 20_000), ...Array.from({ length: 500 }, () => record(200))]);
const endOf = (wal: typeof short, index: number): Lsn => wal.records.at(index)!.endLsn;

describe('a partial segment of whole records', () => {
  test.for([
    ['zeros', Buffer.alloc(size)],
    ['anything', garbage],
    ['what looks like the beginning of a record', short.bytes],
  ] as const)('is trusted up to their end, with %s behind', async ([, tail], { directory }) => {
    await layOut(directory, short, short.bytes.length, tail);
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(short.endLsn);
    expect(checker).toMatchObject({ checkedLsn: lsn, verifiedLsn: lsn, hasOpenRecord: false });
  });

  test.for([1, 23, 100, 199])('is not trusted for the %d bytes of one that is torn', async (bytes, { directory }) => {
    await layOut(directory, short, short.bytes.length - 200 + bytes);
    expect((await resumeOf(directory)).lsn).toBe(endOf(short, -2));
  });

  test('is trusted up to a byte that is not right', async ({ directory }) => {
    await layOut(directory, short);
    const path = join(directory, `${nameOf(0)}.partial`);
    const bytes = await readFile(path);
    bytes[Number(endOf(short, 250) - startLsn) + 100]! ^= 1;
    await writeFile(path, bytes);
    expect((await resumeOf(directory)).lsn).toBe(endOf(short, 250));
  });

  test('may be shorter than a segment: it gets its full size, and its end is not trusted', async ({ directory }) => {
    const path = join(directory, `${nameOf(0)}.partial`);
    await layOut(directory, short);
    await truncate(path, 50_000);
    const { lsn } = await resumeOf(directory);
    expect(lsn).toBe(short.records.findLast(({ endLsn }) => endLsn <= at(50_000))?.endLsn);
    expect((await readFile(path)).equals(Buffer.concat([short.bytes.subarray(0, 50_000)], size))).toBe(true);
  });

  test('of another cluster, or of another place, is received again from its start', async ({ directory }) => {
    await layOut(directory, short);
    expect((await resumeOf(directory, { systemIdentifier: 1n })).lsn).toBe(startLsn);
    await rename(join(directory, `${nameOf(0)}.partial`), join(directory, `${nameOf(1)}.partial`));
    expect((await resumeOf(directory)).lsn).toBe(at(size));
  });

  test.for([0, 39, 40, size])('of which %d zeros are there is received again from its start', async (bytes, { directory }) => {
    await writeFile(join(directory, `${nameOf(0)}.partial`), Buffer.alloc(bytes));
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(startLsn);
    expect(checker.check(short.bytes)).toBeUndefined();
    expect(checker.verifiedLsn).toBe(short.endLsn);
  });

  test('in which nothing is missing is received again too: else nobody would give it its name', async ({ directory }) => {
    const switched = walOf([record(200), record(200), { kind: 'switch' }]);
    expect(switched.bytes.length).toBe(size);
    await writeFile(join(directory, `${nameOf(0)}.partial`), switched.bytes);
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(startLsn);
    expect(checker.check(switched.bytes)).toBeUndefined();
  });

  test('with nothing missing but the end of its last record is gone on with at that record', async ({ directory }) => {
    await writeFile(join(directory, `${nameOf(0)}.partial`), segmentOf(over, 0));
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(endOf(over, 0));
    expect(checker.check(restFrom(over, lsn))).toBeUndefined();
    expect(checker.verifiedLsn).toBe(over.endLsn);
  });
});

describe('a partial segment that begins inside a record', () => {
  test('is trusted up to the end of its records, with the segment before at hand', async ({ directory }) => {
    await layOut(directory, over);
    expect((await resumeOf(directory)).lsn).toBe(over.endLsn);
  });

  test('and with that in the archive', async ({ directory }) => {
    await layOut(directory, over);
    await rm(join(directory, nameOf(0)));
    const { asked, openArchived } = archiveOf({ [nameOf(0)]: segmentOf(over, 0) });
    expect((await resumeOf(directory, { openArchived })).lsn).toBe(over.endLsn);
    expect(new Set(asked)).toEqual(new Set([nameOf(0)]));
  });

  test('is received again from its start without: nobody knows whether the record is right', async ({ directory }) => {
    await layOut(directory, over);
    await rm(join(directory, nameOf(0)));
    for (const openArchived of [undefined, archiveOf({}).openArchived, archiveOf({ [nameOf(0)]: garbage }).openArchived]) {
      const { lsn, checker } = await resumeOf(directory, { openArchived });
      expect(lsn).toBe(at(size));
      expect(checker).toMatchObject({ checkedLsn: lsn, verifiedLsn: lsn });
      expect(checker.check(restFrom(over, lsn))).toBeUndefined();
      expect(checker.verifiedLsn).toBe(over.endLsn);
    }
  });

  test('and with a segment before that is not whole', async ({ directory }) => {
    await layOut(directory, over);
    const { openArchived } = archiveOf({ [nameOf(0)]: segmentOf(over, 0).subarray(0, size - 8192) });
    await rm(join(directory, nameOf(0)));
    expect((await resumeOf(directory, { openArchived })).lsn).toBe(at(size));
  });

  test('whose end is not there yet is gone on with from the start of the segment, with the record in mind', async ({
    directory,
  }) => {
    await layOut(directory, over, size + 2000);
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(at(size));
    expect(checker).toMatchObject({ checkedLsn: lsn, verifiedLsn: endOf(over, 0), hasOpenRecord: true });
    const rest = Buffer.from(restFrom(over, lsn));
    rest[1000]! ^= 1;
    expect(checker.check(rest)).toMatchObject({ kind: 'record', lsn: endOf(over, 0) });
  });

  test('of which the end is not right is received again', async ({ directory }) => {
    const wrong = Buffer.from(over.bytes);
    wrong[size + 1000]! ^= 1;
    await layOut(directory, { ...over, bytes: wrong });
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(at(size));
    expect(checker.check(restFrom(over, lsn))).toBeUndefined();
  });
});

describe('a record that is longer than a segment', () => {
  test.for([size + 100, 2 * size, 2 * size + 100])(
    'is known though only the first segment has its beginning (%d bytes there)',
    async (cut, { directory }) => {
      await layOut(directory, long, cut);
      const { lsn, checker } = await resumeOf(directory);
      expect(lsn).toBe(segmentStartOf(at(cut)));
      expect(checker).toMatchObject({ checkedLsn: lsn, verifiedLsn: endOf(long, 0), hasOpenRecord: true });
      const rest = Buffer.from(restFrom(long, lsn));
      rest[rest.length - 110_000]! ^= 1; // in its end
      expect(checker.check(rest)).toMatchObject({ kind: 'record', lsn: endOf(long, 0) });
    },
  );

  test('is known behind a complete segment as well', async ({ directory }) => {
    await layOut(directory, long, 2 * size);
    await rm(join(directory, `${nameOf(2)}.partial`));
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(at(2 * size));
    expect(checker).toMatchObject({ checkedLsn: lsn, verifiedLsn: endOf(long, 0), hasOpenRecord: true });
  });

  test('is passed where its end has come, with all of it at hand', async ({ directory }) => {
    await layOut(directory, long);
    expect((await resumeOf(directory)).lsn).toBe(long.endLsn);
  });

  test('is received again from the segment on of which the one before is missing', async ({ directory }) => {
    await layOut(directory, long);
    await rm(join(directory, nameOf(0)));
    expect((await resumeOf(directory)).lsn).toBe(at(2 * size));
  });
});

describe('a complete segment', () => {
  test('is gone on behind, with the record in mind that is open at its end', async ({ directory }) => {
    await writeFile(join(directory, nameOf(0)), segmentOf(over, 0));
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(at(size));
    expect(checker).toMatchObject({ checkedLsn: lsn, verifiedLsn: endOf(over, 0), hasOpenRecord: true });
    expect(checker.check(restFrom(over, lsn))).toBeUndefined();
    expect(checker.verifiedLsn).toBe(over.endLsn);
  });

  test('that cannot be read to its end is gone on behind all the same: it was complete once', async ({ directory }) => {
    await writeFile(join(directory, nameOf(0)), garbage);
    const { lsn, checker } = await resumeOf(directory);
    expect(lsn).toBe(at(size));
    expect(checker.check(restFrom(over, lsn))).toBeUndefined();
  });

  test('that an archiver takes away meanwhile is read in the archive', async ({ directory }) => {
    await writeFile(join(directory, nameOf(0)), segmentOf(over, 0));
    const { openArchived } = archiveOf({ [nameOf(0)]: segmentOf(over, 0) });
    let looks = 0;
    const disk: Disk = {
      ...nodeDisk,
      open: async (path, ...how) => {
        // it is there when the directory is looked at, and not any more when it is to be read
        if (path === join(directory, nameOf(0)) && (looks += 1) === 2) await rm(path);
        return nodeDisk.open(path, ...how);
      },
    };
    expect((await resumeOf(directory, { openArchived, disk })).checker).toMatchObject({
      verifiedLsn: endOf(over, 0),
      hasOpenRecord: true,
    });
  });
});

describe('the segment before', () => {
  /** What a failed primary wrote on timeline 1 behind the point where timeline 2 left it. */
  const astray = walOf([record(size - 5000), record(12_000), ...Array.from({ length: 50 }, () => record(300))]);
  const lineage = lineageOf(timeline2, [{ timelineId: timeline1, switchLsn: endOf(over, 0), reason: 'no reason' }]);
  const onTimeline2 = buildWal({
    startLsn,
    timelineId: timeline2,
    systemIdentifier,
    walSegmentSize: size,
    items: [record(size - 5000), record(10_000), record(200)],
  });

  test('is that of the timeline that leads here, not one of the same place that was left', async ({ directory }) => {
    await writeFile(join(directory, nameOf(0)), segmentOf(astray, 0));
    await writeFile(join(directory, `${nameOf(1, timeline2)}.partial`), Buffer.concat([segmentOf(onTimeline2, 1)], size));
    expect((await resumeOf(directory, { lineage })).lsn).toBe(at(size));
    const { asked, openArchived } = archiveOf({ [nameOf(0, timeline2)]: segmentOf(onTimeline2, 0) });
    expect((await resumeOf(directory, { lineage, openArchived })).lsn).toBe(onTimeline2.endLsn);
    expect(new Set(asked)).toEqual(new Set([nameOf(0, timeline2)]));
  });

  test('is of the earlier timeline where that was left at the boundary', async ({ directory }) => {
    const left = lineageOf(timeline2, [{ timelineId: timeline1, switchLsn: at(size), reason: 'no reason' }]);
    await writeFile(join(directory, nameOf(0)), segmentOf(over, 0));
    await writeFile(join(directory, `${nameOf(1, timeline2)}.partial`), Buffer.concat([segmentOf(over, 1)], size));
    expect((await resumeOf(directory, { lineage: left })).lsn).toBe(over.endLsn);
  });
});

describe('what is found', () => {
  const streaming = '/streaming';
  const path = `${streaming}/${nameOf(0)}.partial`;

  test('is on the disk from then on, though the process before was killed with nothing flushed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(0, 0.5), fc.constantFrom(0, 0.3), async (seed, writeBackErrors, syncErrors) => {
        const chance = new Random(seed);
        let rate = syncErrors;
        using disk = new FaultyDisk({
          random: new Random(seed),
          directories: [streaming],
          restlessness: 0.3,
          faultAt: ({ kind }) => (kind === 'datasync' && chance.chance(rate) ? { errno: 'EIO' } : undefined),
        });
        const before = disk.mount();
        const file = await before.open(path, 'wx');
        disk.writeBackErrors = writeBackErrors;
        for (let from = 0; from < short.bytes.length; ) {
          const { bytesWritten } = await file.writev([short.bytes.subarray(from)], from);
          from += bytesWritten;
          await file.datasync().catch(() => undefined);
        }
        disk.writeBackErrors = 0;
        rate = 0;
        disk.kill();
        const found = await resumeOf(streaming, { disk: disk.mount() }).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'FileSystemError' }); // an error of the time before
          return undefined;
        });
        disk.powerCut();
        if (found === undefined) return;
        const trusted = restFrom(short, startLsn).subarray(0, Number(found.lsn - startLsn));
        expect(
          trusted.equals(
            disk
              .files(streaming)
              .get(`${nameOf(0)}.partial`)!
              .subarray(0, trusted.length),
          ),
        ).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('keeps its name: that of a segment that was complete when the process before was killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        using disk = new FaultyDisk({ random: new Random(seed), directories: [streaming], restlessness: 0 });
        const before = disk.mount();
        const file = await before.open(path, 'wx');
        await file.truncate(size);
        await file.sync();
        const directory = await before.open(streaming, 'r');
        await directory.sync();
        await before.rename(path, `${streaming}/${nameOf(0)}`);
        disk.kill();
        expect((await resumeOf(streaming, { disk: disk.mount() })).lsn).toBe(at(size));
        disk.powerCut();
        expect([...disk.files(streaming).keys()]).toEqual([nameOf(0)]);
      }),
    );
  });

  test('does not count when the disk does not take it', async () => {
    let isBroken = false;
    using disk = new FaultyDisk({
      random: new Random(1),
      directories: [streaming],
      restlessness: 0,
      faultAt: ({ kind }) => (isBroken && kind === 'datasync' ? { errno: 'EIO' } : undefined),
    });
    const mount = disk.mount();
    const file = await mount.open(path, 'wx');
    await file.writev([short.bytes], 0);
    isBroken = true;
    await expect(resumeOf(streaming, { disk: mount })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_SYNC_FAILED', path }),
    );
  });
});

test('wherever the WAL is cut, it goes on at the end of the last whole record, and the rest fits there', async ({
  directory,
}) => {
  let run = 0;
  const plan = fc.record({
    seed: fc.nat(1_000_000),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    longEvery: fc.constantFrom(0, 3, 20),
    switchEvery: fc.constantFrom(0, 60),
    cutOffEvery: fc.constantFrom(0, 60),
    tail: fc.constantFrom('zeros' as const, 'garbage' as const),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ part, tail, ...options }) => {
      const into = join(directory, String((run += 1)));
      await mkdir(into);
      const wal = walOf(randomItems({ ...options, count: 400, largest: 9000 }));
      const cut = Math.floor(wal.bytes.length * part);
      await layOut(into, wal, cut, tail === 'zeros' ? undefined : garbage);
      const { lsn, checker } = await resumeOf(into);
      const segmentStart = segmentStartOf(at(cut));
      // what another checker finds in all that is there
      const there = Buffer.concat(
        [wal.bytes.subarray(0, cut), tail === 'zeros' ? Buffer.alloc(size) : garbage],
        Math.floor(cut / size + 1) * size,
      );
      const { verifiedLsn } = checkSlowly(there, { startLsn, timelineId: timeline1, systemIdentifier, walSegmentSize: size });
      const isWithin = verifiedLsn > segmentStart && verifiedLsn < segmentStart + BigInt(size);
      expect(lsn).toBe(isWithin ? verifiedLsn : segmentStart);
      // and by what was laid out: nothing is given up but what is torn, nothing trusted that was not there
      const whole = wal.records.findLast(({ endLsn }) => endLsn <= at(cut))?.endLsn ?? startLsn;
      expect(lsn).toBeGreaterThanOrEqual(isWithin ? whole : segmentStart);
      expect(lsn - BigInt(cut)).toBeLessThan(startLsn + 8n);
      expect(checker.checkedLsn).toBe(lsn);
      expect(checker.verifiedLsn).toBeLessThanOrEqual(lsn);
      expect(checker.check(restFrom(wal, lsn))).toBeUndefined();
      expect(checker.verifiedLsn).toBeGreaterThanOrEqual(endOf(wal, -1));
    }),
    { numRuns: 25 },
  );
});
