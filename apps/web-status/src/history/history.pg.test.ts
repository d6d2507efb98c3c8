/** What is written down of a real server: figures, and events by what happens to it. */
import { writeFile } from 'node:fs/promises';
import { fillSegments } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Receiving } from '../receiving.test-support.ts';
import { eventList } from '../schema/events.ts';
import { historySeries } from '../schema/history.ts';

test('lost connections, a kill, a hole and a failed check are events, and the figures go on', async () => {
  await using all = await Receiving.start();
  const events = async () => eventList.parse(await all.get('/servers/pg/events?limit=500')).events.toReversed();
  const kinds = async () => (await events()).map(({ kind }) => kind);
  await expect.poll(async () => (await all.summary()).verdict).toBe('safe');

  await all.pg.restart();
  await expect.poll(kinds).toContain('reconnect');
  const lost = (await events()).find(({ kind }) => kind === 'error');
  expect(lost?.code).toMatch(/^ERR_/);
  expect(lost?.hint).not.toBe('');
  await expect.poll(async () => (await all.summary()).phase).toBe('streaming');

  await all.endReceiver('SIGKILL');
  await expect.poll(kinds).toContain('receiverDied');
  await expect.poll(kinds).toContain('checkFailed');
  await all.startReceiver();
  await expect.poll(kinds).toContain('receiverStarted');
  await expect.poll(kinds).toContain('checkPassed');

  const hole = {
    timelineId: 1,
    fromLsn: '0/1000000',
    toTimelineId: 1,
    toLsn: '0/1800000',
    reason: 'walRemoved',
    foundAt: '2026-07-01T09:00:00.000Z',
    resolvedBy: 'continued',
    resolvedAt: '2026-07-01T09:00:01.000Z',
  };
  await writeFile(all.fixture.path('pg', 'holes.json'), JSON.stringify({ version: 1, holes: [hole] }));
  await expect.poll(kinds).toContain('holeResolved');
  expect(await events()).toContainEqual(expect.objectContaining({ kind: 'holeFound', at: hole.foundAt, lsn: hole.fromLsn }));

  await fillSegments(all.pg, 1);
  const series = async () => historySeries.parse(await all.get('/servers/pg/history?metric=flushedBehindBytes'));
  await expect.poll(async () => (await series()).points.some(([, , mean]) => mean === 0)).toBe(true);
  const year = historySeries.parse(await all.get('/servers/pg/history?metric=flushP99Ms&from=2026-01-01T00:00:00Z'));
  expect(year.stepMs).toBe(300_000);
  // Two, when a step of five minutes ends meanwhile.
  expect([1, 2]).toContain(year.points.length);
});
