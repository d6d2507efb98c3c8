/** Promotions: a standby that we stream from becomes a primary of a new timeline, and we go along. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bulkLoad, createStandby, startCluster } from '@walvault/testkit';
import {
  historyFileName,
  offsetInSegment,
  parseHistoryFile,
  parseLsn,
  roundDownToSegment,
  toWalSegmentSize,
  walFileNameAt,
} from '@walvault/wal';
import { describe, expect } from 'vitest';
import { expectSameAsServer, receive, timeline, walFilesIn } from './receive.test-support.ts';
import { test } from './test-directory.test-support.ts';

const size = toWalSegmentSize(1024 * 1024);

describe.each([18, 14] as const)('PostgreSQL %d', (major) => {
  test('a promotion is followed: history file, new segments, the old partial one stays', async ({ directory }) => {
    await using primary = await startCluster({ major, segmentSizeMb: 1 });
    await using standby = await createStandby(primary);
    await using reception = await receive({ cluster: standby, directory });
    await bulkLoad(primary, 1.4);
    const target = await primary.currentLsn();
    await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${target}'`);
    await standby.promote();
    await bulkLoad(standby, 2.2);
    await reception.caughtUp(standby);

    const history = await readFile(join(directory, historyFileName(timeline(2))));
    expect(history.equals(await readFile(join(standby.walDirectory, historyFileName(timeline(2)))))).toBe(true);
    const [entry] = parseHistoryFile(timeline(2), history.toString());
    const switchLsn = entry!.switchLsn;
    expect(reception.timelines).toEqual([
      { timelineId: 1, startLsn: reception.start.lsn },
      { timelineId: 2, startLsn: roundDownToSegment(switchLsn, size) },
    ]);
    expect(reception.positions.timelineId).toBe(2);
    expect(await expectSameAsServer(standby, directory, reception.positions)).toBeGreaterThanOrEqual(3);
    // the switchpoint lies inside of a segment, which exists on both timelines, with the same beginning
    const old = await readFile(join(directory, `${walFileNameAt(timeline(1), switchLsn, size)}.partial`));
    const fresh = await readFile(join(directory, walFileNameAt(timeline(2), switchLsn, size)));
    const offset = offsetInSegment(switchLsn, size);
    expect(offset).toBeGreaterThan(0);
    expect(old.length).toBe(size);
    expect(old.subarray(0, offset).equals(fresh.subarray(0, offset))).toBe(true);
    expect(await reception.stop()).toBe('stopped');
  });

  test('a receiver that comes back after the promotion goes through the rest of the old timeline to the new one', async ({
    directory,
  }) => {
    await using primary = await startCluster({ major, segmentSizeMb: 1 });
    await using standby = await createStandby(primary);
    {
      await using before = await receive({ cluster: standby, directory });
      await bulkLoad(primary, 0.5);
      const target = parseLsn(await primary.currentLsn());
      await before.until(() => before.positions.flushedLsn >= target);
    }
    await bulkLoad(primary, 2);
    await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await primary.currentLsn()}'`);
    await standby.promote();
    await bulkLoad(standby, 1.1);
    await using after = await receive({ cluster: standby, directory });
    expect(after.start.timelineId).toBe(1);
    await after.caughtUp(standby);
    expect(after.timelines.map(({ timelineId }) => timelineId)).toEqual([1, 2]);
    await expectSameAsServer(standby, directory, after.positions);
    // coming back once more it is on the new timeline at once
    await after.stop();
    await using again = await receive({ cluster: standby, directory });
    expect(again.start.timelineId).toBe(2);
    await again.caughtUp(standby);
  });

  test('a start exactly at the switchpoint, where the server streams nothing, goes over to the new timeline', async ({
    directory,
  }) => {
    await using primary = await startCluster({ major, segmentSizeMb: 1 });
    await using standby = await createStandby(primary);
    await using before = await receive({ cluster: standby, directory });
    // the old timeline shall end where a segment ends
    await primary.switchWal();
    await primary.stop();
    const target = parseLsn((await standby.value('select pg_last_wal_receive_lsn()'))!);
    await before.until(() => before.positions.flushedLsn >= target);
    await before.stop();
    await standby.promote();
    await bulkLoad(standby, 1.2);
    const history = await readFile(join(standby.walDirectory, historyFileName(timeline(2))), 'utf8');
    const switchLsn = parseHistoryFile(timeline(2), history)[0]!.switchLsn;
    await using after = await receive({ cluster: standby, directory, flushed: { timelineId: timeline(1), lsn: switchLsn } });
    await after.caughtUp(standby);
    expect(after.start).toMatchObject({ timelineId: 1, lsn: switchLsn });
    expect(after.timelines).toEqual([{ timelineId: 2, startLsn: roundDownToSegment(switchLsn, size) }]);
    await expectSameAsServer(standby, directory, after.positions);
    expect(await walFilesIn(directory)).toContain(historyFileName(timeline(2)));
  });
});

test('two promotions while nobody listened are both gone through, each with its history file', async ({ directory }) => {
  await using primary = await startCluster({ segmentSizeMb: 1 });
  await using second = await createStandby(primary);
  await using third = await createStandby(second);
  {
    await using before = await receive({ cluster: third, directory });
    await primary.query(`select pg_logical_emit_message(true, 'test', 'something')`);
    await before.until(() => before.positions.writtenLsn > before.start.lsn);
  }
  await bulkLoad(primary, 1.2);
  await second.waitFor(`select pg_last_wal_replay_lsn() >= '${await primary.currentLsn()}'`);
  await second.promote();
  await bulkLoad(second, 1.2);
  await third.waitFor(`select pg_last_wal_replay_lsn() >= '${await second.currentLsn()}'`);
  await third.promote();
  await bulkLoad(third, 1.2);
  await using after = await receive({ cluster: third, directory });
  await after.caughtUp(third);
  expect(after.timelines.map(({ timelineId }) => timelineId)).toEqual([1, 2, 3]);
  expect((await walFilesIn(directory)).filter((name) => name.endsWith('.history'))).toEqual([
    '00000002.history',
    '00000003.history',
  ]);
  await expectSameAsServer(third, directory, after.positions);
});

test.for([0.2, 3.3])(
  'when a standby takes over that lacks %d MB of what is here, the new timeline is received beside the old one, which stays',
  async (loadMb, { directory }) => {
    await using primary = await startCluster({ segmentSizeMb: 1 });
    await using standby = await createStandby(primary);
    let before: Awaited<ReturnType<typeof receive>>['positions'];
    {
      await using reception = await receive({ cluster: primary, directory });
      await bulkLoad(primary, 1.2);
      await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await primary.currentLsn()}'`);
      await standby.query(`alter system set primary_conninfo = ''`);
      await standby.query('select pg_reload_conf()');
      await standby.waitFor('select count(*) = 0 from pg_stat_wal_receiver');
      await bulkLoad(primary, loadMb);
      await reception.caughtUp(primary);
      before = reception.positions;
    }
    const old = await contentOf(directory);
    await primary.stop('immediate');
    await standby.promote();
    await bulkLoad(standby, 1.4);

    const flushed = { timelineId: before.timelineId, lsn: before.flushedLsn };
    await using after = await receive({ cluster: standby, directory, flushed });
    const history = await readFile(join(standby.walDirectory, historyFileName(timeline(2))), 'utf8');
    const { switchLsn } = parseHistoryFile(timeline(2), history)[0]!;
    expect(after.start).toMatchObject({
      timelineId: 2,
      lsn: roundDownToSegment(switchLsn, size),
      divergence: { timelineId: 1, fromLsn: switchLsn, toLsn: before.flushedLsn },
    });
    await after.caughtUp(standby);
    const newTimeline = /^00000002[0-9A-F]{16}$/;
    expect(await expectSameAsServer(standby, directory, after.positions, newTimeline)).toBeGreaterThan(0);
    // and a process that comes then knows that it has been there
    await after.stop();
    await using again = await receive({ cluster: standby, directory });
    expect(again.start).toMatchObject({ timelineId: 2, lsn: after.positions.verifiedLsn });
    for (const [name, bytes] of old) expect((await readFile(join(directory, name))).equals(bytes), name).toBe(true);
  },
);

async function contentOf(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const names = await walFilesIn(directory);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)));
}
