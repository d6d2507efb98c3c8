import { join } from 'node:path';
import { expect, test } from 'vitest';
import { segmentName, TestServer } from '../../testing.ts';
import { Catalog } from '../index.ts';
import { entryFor } from './catalog.test-support.ts';

const name = segmentName(1, 7);

test('a run of verify-wal that was stopped is resumed by one of the same scope; a finished one is history', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  let id: number;
  {
    using catalog = Catalog.open(path);
    id = catalog.records.beginVerify('all', 1000);
    catalog.records.noteChecks(id, [{ name, checkedAt: 1001, verdict: 'good', detail: undefined }]);
  }
  using catalog = Catalog.open(path);
  const { records } = catalog;
  expect(records.unfinishedVerify('timeline 2')).toBeUndefined();
  expect(records.unfinishedVerify('all')).toMatchObject({ id, startedAt: 1000, finishedAt: undefined });
  expect(records.checksOfRun(id).map((check) => check.name)).toEqual([name]);
  expect(records.lastVerify()).toBeUndefined();
  records.finishVerify(id, { good: 1, bad: 0, holes: 0, unknown: 0 }, 2000);
  expect(records.unfinishedVerify('all')).toBeUndefined();
  expect(records.lastVerify()).toEqual({
    id,
    scope: 'all',
    startedAt: 1000,
    finishedAt: 2000,
    good: 1,
    bad: 0,
    holes: 0,
    unknown: 0,
  });
});

test('the latest check of a segment counts, until its content is another one', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  const { records } = catalog;
  catalog.note([entryFor(1, 7)]);
  records.noteChecks(undefined, [{ name, checkedAt: 1, verdict: 'good', detail: undefined }]);
  const bad = { name, checkedAt: 2, verdict: 'bad', detail: 'the record at 0/700028 is not right' } as const;
  records.noteChecks(undefined, [bad]);
  expect(records.checkOf(name)).toEqual(bad);
  expect(records.badChecks()).toEqual([bad]);
  catalog.note([entryFor(1, 7)]);
  expect(records.checkOf(name)).toEqual(bad);
  catalog.note([entryFor(1, 7, { sha256: 'cd'.repeat(32) })]);
  expect(records.checkOf(name)).toBeUndefined();
});

test('heals and deletions stay on record when the segment is forgotten', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  const { records } = catalog;
  catalog.note([entryFor(1, 7)]);
  records.noteChecks(undefined, [{ name, checkedAt: 1, verdict: 'bad', detail: 'x' }]);
  const heal = { name, reason: 'x', source: 'server', healedAt: 5, movedTo: '/errors/x' };
  records.noteHeal(heal);
  expect(records.badChecks()).toEqual([]);
  const deletion = { name, storedBytes: 4096, policy: 'RECOVERY WINDOW OF 7 DAYS', deletedAt: 6 };
  records.noteDeletions([deletion]);
  catalog.forget([name]);
  expect(records.heals()).toEqual([heal]);
  expect(records.deletions(10)).toEqual([deletion]);
  expect([records.wasDeleted(name), records.wasDeleted(segmentName(1, 8))]).toEqual([true, false]);
});
