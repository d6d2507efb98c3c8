import { rmSync } from 'node:fs';
import * as fc from 'fast-check';
import { toLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { segmentName, segmentSize } from '../../testing.ts';
import { commit, endOfSegment, FindableServer, microseconds, restorePoint } from '../finding/findable.test-support.ts';
import { findTarget, type RecoveryTarget } from '../index.ts';
import { ArchiveIndex } from './archive-index.ts';

async function indexOf(server: FindableServer): Promise<ArchiveIndex> {
  const options = { reading: server.server.reading, catalogPath: server.catalogPath, days: 10 };
  return await ArchiveIndex.open({ ...options, backups: [], signal: new AbortController().signal });
}

const at = (seconds: number): RecoveryTarget => ({ kind: 'time', time: microseconds(seconds) });

async function expectSameSegment(steps: readonly (readonly [number, boolean])[], moment: number): Promise<void> {
  await using server = await FindableServer.create();
  let time = 100;
  const items = steps.flatMap(([step, isLast], index) => {
    time += step;
    return isLast ? [commit(time, 700 + index), endOfSegment] : [commit(time, 700 + index)];
  });
  await server.write([...items, endOfSegment]);
  await server.catalogue();
  const request = { target: at(moment), inclusive: true };
  using wal = await server.open();
  const exact = await findTarget(wal, request);
  using index = await indexOf(server);
  const located = index.find(request, undefined)?.located;
  expect(located?.finding).toBe(exact.finding.kind);
  expect(located?.place?.segmentName).toBe(exact.place?.segmentName);
  expect(located?.reach).toMatchObject({ first: exact.reach.first, last: exact.reach.last, endLsn: exact.reach.endLsn });
}

test('the segment of a moment is the one in which find-target finds the record', async () => {
  const commits = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.boolean()), { minLength: 1, maxLength: 12 });
  await fc.assert(fc.asyncProperty(commits, fc.integer({ min: 90, max: 500 }), expectSameSegment), { numRuns: 25 });
});

test('what is missing is a hole, what the catalogue does not know may be anywhere, and nothing is read for it', async () => {
  await using server = await FindableServer.create();
  await server.write([
    commit(100, 701),
    endOfSegment,
    restorePoint(150, 'here'),
    commit(200, 702),
    endOfSegment,
    commit(300, 703),
    endOfSegment,
  ]);
  const find = async (target: RecoveryTarget) => {
    using index = await indexOf(server);
    return index.find({ target, inclusive: true }, undefined)?.located;
  };
  expect(await find(at(150))).toMatchObject({ finding: 'unknown', unknownSegments: 3, place: undefined });
  await server.catalogue();
  expect(await find(at(150))).toMatchObject({
    finding: 'found',
    isExact: false,
    unknownSegments: 0,
    place: { segmentName: segmentName(1, 2) },
  });
  expect(await find({ kind: 'name', name: 'here' })).toMatchObject({ finding: 'found', isExact: true });
  expect(await find({ kind: 'name', name: 'there' })).toMatchObject({ finding: 'absent' });
  expect(await find({ kind: 'xid', xid: 702 })).toMatchObject({ finding: 'unknown', place: { segmentName: segmentName(1, 2) } });
  rmSync(server.server.archived(segmentName(1, 2)));
  expect(await find(at(150))).toMatchObject({ finding: 'hole', place: undefined });
  expect(await find({ kind: 'lsn', lsn: toLsn(2 * segmentSize + 100) })).toMatchObject({ finding: 'hole' });
  expect(await find({ kind: 'lsn', lsn: toLsn(9 * segmentSize) })).toMatchObject({ finding: 'beyond' });
  using index = await indexOf(server);
  expect(index.timelines[0]?.spans.map(({ first, count }) => [first, count])).toEqual([
    [segmentName(1, 1), 1],
    [segmentName(1, 3), 1],
  ]);
});
