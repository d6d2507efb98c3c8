/** What the API says of a real server with a real receiver, in good and in bad times. */
import { open } from 'node:fs/promises';
import { fillSegments } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { doubtfulSnapshots } from '../collector/doubtful-snapshots.test-support.ts';
import { judge } from '../collector/verdict.ts';
import { undocumented } from './documented.test-support.ts';
import { Receiving } from '../receiving.test-support.ts';
import { checkList } from '../schema/checks.ts';
import { clientList } from '../schema/clients.ts';
import { holeList, timelineTree } from '../schema/coverage.ts';
import { serverDetail } from '../schema/server-detail.ts';
import { serverSummary } from '../schema/server-summary.ts';

async function damageSegment(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(Buffer.alloc(64, 0x55), 0, 64, 9000);
}

const queries: Readonly<Record<string, string>> = { history: '?metric=bytesPerSecond', 'find-target': '?lsn=0/1' };
const views = ['checks', 'clients', 'coverage', 'timelines', 'holes', 'events', 'history', 'restore-points', 'find-target'];

/** Between the answers as they are now and the OpenAPI document. */
async function differencesFromTheDocument({ app }: Receiving): Promise<readonly string[]> {
  const paths = ['/api/v1/servers', '/api/v1/servers/{name}', ...views.map((view) => `/api/v1/servers/{name}/${view}`)];
  const found = [...paths, '/readyz', '/readyz/{name}', '/healthz'].map(async (path) => {
    const answer = await app.inject(path.replace('{name}', 'pg') + (queries[path.split('/').at(-1) ?? ''] ?? ''));
    return undocumented(path, answer.json()).map((difference) => `${path}: ${difference}`);
  });
  return (await Promise.all(found)).flat();
}

/** Of a server that is safe: what could be wrong with it and would be called safe all the same. */
function doubtsThatAreSafe({ collector }: Receiving): readonly string[] {
  const snapshot = collector.snapshot('pg');
  const nowMs = Date.now();
  if (snapshot === undefined || judge(snapshot, nowMs).verdict !== 'safe') return ['it is not safe in the first place'];
  const doubtful = doubtfulSnapshots(snapshot, nowMs);
  return doubtful.filter(([, one]) => judge(one, nowMs).verdict === 'safe').map(([what]) => what);
}

test('a server that is received from is safe, and in danger as soon as its receiver is gone', async () => {
  await using all = await Receiving.start();
  const filled = await fillSegments(all.pg, 1);
  await all.walvault('archive-wal', 'pg');
  await expect.poll(async () => (await all.summary()).lastArchivedAt).not.toBeNull();
  await expect.poll(async () => (await all.summary()).verdict).toBe('safe');
  // The receiver asks a second after it began whether anybody waits for it.
  await expect.poll(async () => (await all.summary()).syncState).toBe('async');
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
  await expect
    .poll(async () => timelineTree.parse(await all.get('/servers/pg/timelines')).timelines)
    .toMatchObject([{ timelineId: 1, parentId: null, segments: 1, isCurrent: true }]);

  await expect.poll(() => doubtsThatAreSafe(all)).toEqual([]);
  expect(await differencesFromTheDocument(all)).toEqual([]);

  // Segments are found damaged by a verification of a part as well, of which `check` says nothing.
  const [name = ''] = filled;
  await damageSegment(all.fixture.path('pg', 'wals', name.slice(0, 16), name));
  await expect(all.walvault('verify-wal', '--from', name, '--to', name, 'pg')).rejects.toThrow('ended with 2');
  await expect.poll(async () => all.summary()).toMatchObject({ verdict: 'danger', reason: `${name} is damaged in the archive` });

  await all.endReceiver('SIGKILL');
  await expect.poll(async () => (await all.summary()).reason).toBe('the receiver was killed');
  await all.pg.query('create table lost (); select pg_switch_wal()');
  await expect.poll(async () => (await all.summary()).rpo.durableBytes).toBeGreaterThan(0);
  await expect.poll(async () => (await all.summary()).rpo.durableSeconds).toBeGreaterThan(0);
  expect(await differencesFromTheDocument(all)).toEqual([]);
});
