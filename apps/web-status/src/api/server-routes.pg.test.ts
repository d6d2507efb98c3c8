/** What the API says of a real server with a real receiver, in good and in bad times. */
import { fillSegments } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Receiving } from '../receiving.test-support.ts';
import { checkList } from '../schema/checks.ts';
import { clientList } from '../schema/clients.ts';
import { holeList, timelineTree } from '../schema/coverage.ts';
import { serverDetail } from '../schema/server-detail.ts';
import { serverSummary } from '../schema/server-summary.ts';

test('a server that is received from is safe, and in danger as soon as its receiver is gone', async () => {
  await using all = await Receiving.start();
  await fillSegments(all.pg, 1);
  await all.walvault('archive-wal', 'pg');
  await expect.poll(async () => (await all.summary()).lastArchivedAt).not.toBeNull();
  await expect.poll(async () => (await all.summary()).verdict).toBe('safe');
  const summary = serverSummary.parse(await all.summary());
  expect(summary).toMatchObject({ phase: 'streaming', syncState: 'async', timelineId: 1, holes: 0, badSegments: 0, error: null });
  expect(summary.slot).toMatchObject({ name: 'barman', walStatus: 'reserved', level: 'ok' });
  for (const lsn of Object.values(summary.lsn)) expect(lsn).toMatch(/^0\/[0-9A-F]+$/);
  await expect.poll(async () => (await all.summary()).rpo).toMatchObject({ durableBytes: 0, durableSeconds: 0 });

  const detail = serverDetail.parse(await all.get('/servers/pg'));
  expect(detail.receiver).toMatchObject({ isRunning: true });
  expect(detail.postgres?.version).toContain(all.pg.version);
  expect(detail.archive).toMatchObject({ segments: 1, error: null });
  const checks = checkList.parse(await all.get('/servers/pg/checks'));
  expect(checks.results?.filter(({ status }) => status === 'failed')).toEqual([]);
  const { clients } = clientList.parse(await all.get('/servers/pg/clients'));
  expect(clients?.filter(({ isOurs }) => isOurs)).toMatchObject([{ state: 'streaming', slotName: 'barman' }]);
  expect(holeList.parse(await all.get('/servers/pg/holes'))).toMatchObject({ recorded: [], missing: [] });
  const { timelines } = timelineTree.parse(await all.get('/servers/pg/timelines'));
  expect(timelines).toMatchObject([{ timelineId: 1, parentId: null, segments: 1, isCurrent: true }]);

  await all.endReceiver('SIGKILL');
  await expect.poll(async () => (await all.summary()).reason).toBe('the receiver was killed');
  await all.pg.query('create table lost (); select pg_switch_wal()');
  await expect.poll(async () => (await all.summary()).rpo.durableBytes).toBeGreaterThan(0);
  expect((await all.summary()).rpo.durableSeconds).toBeGreaterThan(0);
});
