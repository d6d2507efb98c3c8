import { rename } from 'node:fs/promises';
import type { Cluster } from '@walvault/testkit';
import { formatTimestamp } from '@walvault/wal';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AtTarget, commit, type Committed, describeBackup, find, type FoundJson, rollBack } from './find-target.test-support.ts';
import { passSegments, RecoveredArchive } from './recovered-archive.test-support.ts';

let archive: RecoveredArchive;
const commits: Record<string, Committed> = {};
let rolledBack: number;
/** What pg_create_restore_point gave. */
const points: Record<string, string> = {};
let backupEnd: string;

async function createPoint(pg: Cluster, key: string, name: string): Promise<void> {
  points[key] = (await pg.value('select pg_create_restore_point($1)', [name]))!;
}

async function work(pg: Cluster): Promise<void> {
  backupEnd = await pg.currentLsn();
  await pg.query('alter system set track_commit_timestamp = on');
  await pg.restart();
  commits['one'] = await commit(pg, 'one');
  await createPoint(pg, 'quiet', `quiet 'n' \\ calm`);
  await passSegments(pg, 2);
  commits['two'] = await commit(pg, 'two');
  await createPoint(pg, 'first', 'again');
  await passSegments(pg, 2);
  rolledBack = await rollBack(pg);
  commits['three'] = await commit(pg, 'three');
  await createPoint(pg, 'second', 'again');
  commits['four'] = await commit(pg, 'four');
}

beforeAll(async () => {
  archive = await RecoveredArchive.create(18, { compression: 'zstd' }, work);
  await describeBackup(archive.vault, archive.backup, { id: '20260101T000000', endLsn: backupEnd });
});

afterAll(() => archive[Symbol.asyncDispose]());

/** A time so many microseconds away from a commit. */
function timeOf(name: string, more = 0n): string {
  return formatTimestamp(commits[name]!.time + more);
}

function search(...args: readonly string[]): Promise<FoundJson & { readonly code: number | null }> {
  return find(archive.vault, ...args);
}

async function recoverTo(...args: readonly string[]): Promise<readonly unknown[]> {
  await using server = await AtTarget.reach(archive.vault, archive.backup, ...args);
  return await server.marks();
}

test('finds each commit where and when the server says it was', async () => {
  for (const { name, xid, endLsn } of Object.values(commits)) {
    const { code, place, reachability, segments_read } = await search('--xid', String(xid));
    expect({ name, code, segments_read }).toEqual({ name, code: 0, segments_read: 0 });
    expect(place).toMatchObject({ record: { kind: 'commit', xid, time: timeOf(name) }, end_lsn: endLsn, is_replayed: true });
    expect(place!.last_commit).toMatchObject({ xid });
    expect(archive.names).toContain(place!.segment);
    expect(reachability).toMatchObject({ verdict: 'reachable', backup: { id: '20260101T000000' }, holes: [], faulty: [] });
  }
});

test('finds times: the first commit behind it stops recovery, the last one before it is in', async () => {
  const two = commits['two']!;
  expect((await search('--time', timeOf('two'))).place).toMatchObject({
    record: { xid: rolledBack },
    last_commit: { xid: two.xid },
  });
  expect((await search('--time', timeOf('two', -1n))).place).toMatchObject({
    record: { xid: two.xid },
    last_commit: { xid: commits['one']!.xid },
  });
  expect((await search('--time', timeOf('two'), '--exclusive')).place).toMatchObject({ record: { xid: two.xid } });
  expect((await search('--time', timeOf('three', -1n))).place).toMatchObject({ last_commit: { xid: two.xid } });
});

test('finds restore points where the server made them, and the last one of a name', async () => {
  const listed = JSON.parse(await archive.vault.succeed('find-target', 'pg', '--list-restore-points', '--json')) as {
    pg: { restore_points: { name: string; end_lsn: string }[] };
  };
  expect(listed.pg.restore_points.map(({ name, end_lsn }) => [name, end_lsn])).toEqual([
    [`quiet 'n' \\ calm`, points['quiet']],
    ['again', points['first']],
    ['again', points['second']],
  ]);
  const { place, others, warnings } = await search('--name', 'again');
  expect(place).toMatchObject({ end_lsn: points['second'], is_replayed: true, last_commit: { xid: commits['three']!.xid } });
  expect(others).toMatchObject([{ end_lsn: points['first'] }]);
  expect(warnings).toEqual([expect.stringMatching(/^it is also on timeline 1 at /)]);
});

test('finds LSNs: recovery replays the record that begins there, or the next one', async () => {
  const { place } = await search('--xid', String(commits['two']!.xid));
  const { lsn, end_lsn } = place!;
  expect((await search('--lsn', lsn)).place).toMatchObject({
    lsn,
    end_lsn,
    is_replayed: true,
    record: { xid: commits['two']!.xid },
  });
  expect((await search('--lsn', lsn, '--exclusive')).place).toMatchObject({
    lsn,
    is_replayed: false,
    last_commit: { xid: commits['one']!.xid },
  });
  // What pg_create_restore_point gives is the end of its record, where the next one begins.
  expect((await search('--lsn', points['first']!)).place).toMatchObject({ lsn: points['first'] });
  const inside = `${lsn.slice(0, -1)}${(Number.parseInt(lsn.at(-1)!, 16) + 1).toString(16).toUpperCase()}`;
  expect((await search('--lsn', inside)).place).toMatchObject({ lsn: end_lsn });
});

test('a recovery with the printed lines ends at the time', async () => {
  expect(await recoverTo('--time', timeOf('two'))).toEqual(['one', 'two']);
});

test('a recovery with the printed lines ends at the transaction', async () => {
  expect(await recoverTo('--xid', String(commits['three']!.xid))).toEqual(['one', 'two', 'three']);
});

test('a recovery with the printed lines ends at the restore point', async () => {
  expect(await recoverTo('--name', `quiet 'n' \\ calm`)).toEqual(['one']);
});

test('a recovery with the printed lines ends at the later of two restore points, where PostgreSQL itself would stop at the first', async () => {
  expect(await recoverTo('--name', 'again')).toEqual(['one', 'two', 'three']);
});

test('a recovery with the printed lines ends before the LSN', async () => {
  const { lsn } = (await search('--xid', String(commits['three']!.xid))).place!;
  expect(await recoverTo('--lsn', lsn, '--exclusive')).toEqual(['one', 'two']);
});

test('says why there is no place, and how far the WAL reaches', async () => {
  expect(await search('--time', timeOf('four'))).toMatchObject({
    code: 1,
    found: false,
    finding: 'beyond',
    reach: { last: archive.names.at(-1), last_commit_time: timeOf('four') },
  });
  expect(await search('--time', '2001-01-01 00:00Z')).toMatchObject({ code: 1, finding: 'before' });
  expect(await search('--xid', String(commits['four']!.xid + 1000))).toMatchObject({ code: 1, finding: 'absent' });
  expect(await search('--name', 'no such')).toMatchObject({ code: 1, finding: 'absent' });
  expect(await search('--lsn', 'FF/0')).toMatchObject({ code: 1, finding: 'beyond' });
  expect(await search('--lsn', '0/28')).toMatchObject({ code: 1, finding: 'before' });
});

test('without a catalogue, and with one that misses segments, it reads what it does not know and finds the same', async () => {
  const path = archive.vault.path('walvault.sqlite');
  const known = await search('--time', timeOf('two'));
  await rename(path, `${path}.away`);
  try {
    const { place, segments_read, warnings } = await search('--time', timeOf('two'));
    expect(place).toEqual(known.place);
    expect(segments_read).toBeGreaterThan(0);
    expect(warnings).toEqual([
      expect.stringContaining('is not there'),
      expect.stringMatching(/^\d+ segments of the archive are not in the catalogue/),
    ]);
    expect((await search('--name', 'again')).place).toMatchObject({ end_lsn: points['second'] });
  } finally {
    await rename(`${path}.away`, path);
  }
});

test('a hole on the way is named, and so is one that the target lies in', async () => {
  const { place } = await search('--xid', String(commits['two']!.xid));
  const path = archive.pathOf(place!.segment);
  await rename(path, `${path}.away`);
  try {
    const hole = { first: place!.segment, last: place!.segment, count: 1 };
    expect(await search('--name', 'again')).toMatchObject({
      code: 1,
      place: { end_lsn: points['second'] },
      reachability: { verdict: 'broken', holes: [hole], whole_from: expect.not.stringContaining(place!.segment) },
    });
    expect(await search('--xid', String(commits['two']!.xid))).toMatchObject({ code: 1, found: false, finding: 'hole' });
    expect(await search('--lsn', place!.lsn)).toMatchObject({ code: 1, finding: 'hole' });
    expect(await search('--time', timeOf('two', -1n))).toMatchObject({ code: 1, finding: 'hole' });
  } finally {
    await rename(`${path}.away`, path);
  }
});

test('refuses questions that make no sense, and says how to ask', async () => {
  for (const [args, problem] of [
    [[], 'nothing to look for'],
    [['--xid', '5', '--name', 'x'], 'only one of --xid, --name'],
    [['--time', 'yesterday'], '"yesterday" is no time'],
    [['--xid', '2'], '"2" is no transaction id'],
    [['--lsn', '12'], 'invalid LSN'],
    [['--name', 'x'.repeat(64)], 'a name of 1 to 63 bytes'],
    [['--name', 'x', '--exclusive'], '--exclusive makes no sense'],
  ] as const) {
    const { code, stderr } = await archive.vault.run('find-target', 'pg', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
    expect(stderr).toMatch(/\nHINT: /);
  }
  expect(await archive.vault.run('find-target', 'pg', '--xid', '700', '--timeline', '9')).toMatchObject({
    code: 1,
    stderr: 'ERROR: there is no WAL of timeline 9\nHINT: There is WAL of timeline 1.\n',
  });
});

test('follows a change of timeline, and tells what only the old one has', async () => {
  await using first = await AtTarget.reach(archive.vault, archive.backup, '--name', `quiet 'n' \\ calm`, '--action', 'promote');
  const five = await commit(first.server, 'five');
  await archive.take(first.server, 2);

  const found = await search('--xid', String(five.xid));
  expect(found).toMatchObject({ code: 0, place: { timeline: 2, target_timeline: 2, record: { xid: five.xid } } });
  // Both have a transaction of this id.
  expect(found.others).toMatchObject([{ timeline: 1, record: { xid: five.xid } }]);
  expect((await search('--xid', String(commits['one']!.xid))).place).toMatchObject({ timeline: 1, target_timeline: 2 });

  const left = await search('--name', 'again');
  expect(left).toMatchObject({ code: 0, place: { timeline: 1, target_timeline: 1, end_lsn: points['second'] } });
  expect(left.warnings).toContain('it is not on timeline 2, but only on timeline 1');
  expect(await search('--name', 'again', '--timeline', '2')).toMatchObject({ code: 1, finding: 'absent' });

  expect(await recoverTo('--xid', String(five.xid), '--timeline', '2')).toEqual(['one', 'five']);
});
