/** The point-in-time finder, held against walvault find-target, which reads the WAL itself. */
import { rm } from 'node:fs/promises';
import { fillSegments } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Receiving } from '../receiving.test-support.ts';
import { coverage } from '../schema/coverage.ts';
import { foundTarget, restorePointList } from '../schema/find-target.ts';

test('moments, LSNs and restore points lie where walvault find-target finds them, and a hole before them shows', async () => {
  await using all = await Receiving.start();
  const { pg } = all;
  await pg.query('create table t (i int)');
  await fillSegments(pg, 3);
  const moment = await pg.value('select clock_timestamp()::text');
  const lsn = await pg.value('select pg_current_wal_insert_lsn()');
  await pg.query(`insert into t values (1); select pg_create_restore_point('before the flood')`);
  await fillSegments(pg, 2);
  await pg.query('insert into t values (2)');
  await fillSegments(pg, 1);
  await expect
    .poll(async () => all.walvault('archive-wal', 'pg').then(async () => (await known()).segments))
    .toBeGreaterThanOrEqual(6);

  async function known() {
    return coverage.parse(await all.get('/servers/pg/coverage'));
  }
  const find = async (query: Record<string, string>) =>
    foundTarget.parse(await all.get(`/servers/pg/find-target?${new URLSearchParams(query).toString()}`));
  interface Oracle {
    readonly pg: { readonly place: { readonly segment: string; readonly lsn: string } };
  }
  const oracle = async (...args: readonly string[]) =>
    (JSON.parse(await all.walvault('-f', 'json', 'find-target', 'pg', ...args)) as Oracle).pg.place;

  const { restorePoints } = restorePointList.parse(await all.get('/servers/pg/restore-points'));
  expect(restorePoints).toMatchObject([{ name: 'before the flood', timelineId: 1 }]);

  const byName = await find({ name: 'before the flood' });
  const exact = await oracle('--name', 'before the flood');
  expect(byName).toMatchObject({ found: 'yes', place: { segment: exact.segment, lsn: exact.lsn }, reachability: 'noBackup' });
  expect(byName.settings?.lines).toContain(`recovery_target_name = 'before the flood'`);
  expect((await find({ lsn: lsn! })).place?.segment).toBe((await oracle('--lsn', lsn!)).segment);
  const byTime = await find({ time: new Date(moment!).toISOString() });
  expect(byTime).toMatchObject({ found: 'yes', place: { segment: (await oracle('--time', moment!)).segment, lsn: null } });

  expect(await find({ time: '2000-01-01T00:00:00Z' })).toMatchObject({
    found: 'no',
    reason: 'it lies before all WAL that is there',
  });
  expect(await find({ lsn: 'F/0' })).toMatchObject({ found: 'no', place: null, settings: null });
  expect(await find({ name: 'nothing' })).toMatchObject({ found: 'unknown' });
  expect(await all.get('/servers/pg/find-target?lsn=0/1&timeline=7')).toMatchObject({
    status: 404,
    code: 'ERR_TIMELINE_UNKNOWN',
  });
  expect(await all.get('/servers/pg/find-target')).toMatchObject({ status: 400 });

  const [timeline] = (await known()).timelines ?? [];
  const missing = timeline?.ranges.at(1)?.first ?? '';
  await rm(all.fixture.path('pg', 'wals', missing.slice(0, 16), missing));
  await expect
    .poll(async () => (await known()).timelines?.[0]?.missing)
    .toMatchObject([{ first: missing, last: missing, count: 1 }]);
  await expect.poll(async () => (await all.summary()).holes).toBe(1);
  expect((await find({ name: 'before the flood' })).wholeFrom?.localeCompare(missing)).toBe(1);
});
