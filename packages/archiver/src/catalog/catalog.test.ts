import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { toLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { segmentName, TestServer } from '../../testing.ts';
import { Catalog, CatalogError } from '../index.ts';
import { entryFor } from './catalog.test-support.ts';

/** The code of what is thrown. */
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CatalogError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

const full = entryFor(1, 7, {
  compression: 'zstd',
  statistics: {
    commits: 3,
    aborts: 1,
    firstCommitTime: 1_795_364_256_000_001n,
    lastCommitTime: 1_795_364_257_999_999n,
    firstXid: 4_294_967_290,
    lastXid: 5,
    rmgrs: [
      { rmgr: 0, info: 7, count: 1, recordBytes: 98, fpiBytes: 0 },
      { rmgr: 10, info: 2, count: 11, recordBytes: 1234, fpiBytes: 8192 },
    ],
    restorePoints: [{ name: "before 'Tim'", time: 1_795_364_257_000_000n, lsn: toLsn(7_400_000), endLsn: toLsn(7_400_104) }],
  },
});

test('gives back what it was given, also a bad segment, over a close', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  const { facts } = entryFor(2, 9);
  const bad = {
    ...entryFor(2, 9),
    facts: {
      ...facts,
      verdict: 'bad' as const,
      link: 'broken' as const,
      fault: { kind: 'record' as const, lsn: toLsn(0xffff_ffff_ffff_fff8n), problem: 'its checksum is wrong' },
      seam: undefined,
    },
  };
  {
    using catalog = Catalog.open(path);
    catalog.note([full, bad]);
  }
  using catalog = Catalog.open(path, { readOnly: true });
  expect(catalog.entry(full.facts.name)).toEqual({ ...full, facts: { ...full.facts, seam: expect.anything() } });
  expect(Buffer.from(catalog.seamOf(full.facts.name) ?? [])).toEqual(full.facts.seam);
  expect(catalog.entry(bad.facts.name)).toEqual(bad);
  expect(catalog.seamOf(bad.facts.name)).toBeUndefined();
  expect(catalog.entry(segmentName(1, 8))).toBeUndefined();
});

test('a segment that is noted again replaces what was known of it; one that is forgotten leaves nothing', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  catalog.note([full]);
  const again = entryFor(1, 7, { storedBytes: 17 });
  catalog.note([again, entryFor(1, 8)]);
  expect(catalog.entry(again.facts.name)).toMatchObject({ storedBytes: 17, facts: { statistics: again.facts.statistics } });
  catalog.forget([again.facts.name, 'not there']);
  expect(catalog.names()).toEqual([segmentName(1, 8)]);
  const left = catalog.database.row('SELECT (SELECT count(*) FROM rmgr_count) + (SELECT count(*) FROM restore_point) AS n');
  expect(left).toEqual({ n: 0n });
});

test('a group is noted as a whole or not at all', async () => {
  await using server = await TestServer.create();
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  const impossible = { ...entryFor(1, 8), storedBytes: Number.NaN };
  expect(() => catalog.note([entryFor(1, 7), impossible])).toThrow();
  expect(catalog.names()).toEqual([]);
  catalog.note([entryFor(1, 7)]);
  expect(catalog.names()).toEqual([segmentName(1, 7)]);
});

test('is not readable by everybody', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  Catalog.open(path)[Symbol.dispose]();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('says what is wrong with a file that is no catalogue, and leaves it alone', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  expect(codeOf(() => Catalog.open(path, { readOnly: true }))).toBe('ERR_CATALOG_MISSING');
  expect(codeOf(() => Catalog.open(join(server.home, 'nowhere/walvault.sqlite')))).toBe('ERR_CATALOG_UNUSABLE');

  writeFileSync(path, 'name\tsize\ttime\tNone\n'.repeat(400));
  const text = readFileSync(path);
  for (const readOnly of [false, true]) expect(codeOf(() => Catalog.open(path, { readOnly }))).toBe('ERR_CATALOG_DAMAGED');
  expect(readFileSync(path)).toEqual(text);

  await rm(path);
  const foreign = new DatabaseSync(path);
  foreign.exec('CREATE TABLE t (a)');
  foreign.close();
  const other = readFileSync(path);
  for (const readOnly of [false, true]) expect(codeOf(() => Catalog.open(path, { readOnly }))).toBe('ERR_CATALOG_FOREIGN');
  expect(readFileSync(path)).toEqual(other);
});

test('refuses a newer catalogue, and one that lacks a table', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  const change = (sql: string): void => {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  };
  Catalog.open(path)[Symbol.dispose]();
  change('PRAGMA user_version = 99');
  expect(() => Catalog.open(path)).toThrow(/has version 99, newer than version 1/);
  change('PRAGMA user_version = 1; DROP TABLE heal');
  expect(codeOf(() => Catalog.open(path))).toBe('ERR_CATALOG_DAMAGED');
});

test('an empty file was half made: it is finished by a writer, and no reader takes it for an empty catalogue', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  writeFileSync(path, '');
  expect(codeOf(() => Catalog.open(path, { readOnly: true }))).toBe('ERR_CATALOG_DAMAGED');
  Catalog.open(path)[Symbol.dispose]();
  using catalog = Catalog.open(path, { readOnly: true });
  expect(catalog.names()).toEqual([]);
});

test('a file that was cut off is damaged, whenever that is noticed', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  {
    using catalog = Catalog.open(path);
    catalog.note(Array.from({ length: 300 }, (_, index) => entryFor(1, index + 1)));
  }
  truncateSync(path, 3 * 4096);
  const use = (): void => {
    using catalog = Catalog.open(path);
    for (const name of catalog.names()) catalog.entry(name);
  };
  expect(codeOf(use)).toBe('ERR_CATALOG_DAMAGED');
});

test('a writer goes over to the file that was put in place of the one it has open', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  using writer = Catalog.open(path);
  writer.note([entryFor(1, 1)]);
  {
    using other = Catalog.open(`${path}.new`);
    other.note([entryFor(1, 1), entryFor(1, 2)]);
  }
  await rename(`${path}.new`, path);
  writer.note([entryFor(1, 3)]);
  using catalog = Catalog.open(path, { readOnly: true });
  expect(catalog.names()).toEqual([1, 2, 3].map((number) => segmentName(1, number)));
});

test('a lock that is held too long is an error to try again after', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  using catalog = Catalog.open(path, { busyTimeoutMs: 20 });
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  expect(() => catalog.note([entryFor(1, 1)])).toThrow(expect.objectContaining({ code: 'ERR_CATALOG_BUSY', retry: 'retry' }));
  expect(catalog.names()).toEqual([]);
  other.exec('ROLLBACK');
  other.close();
  catalog.note([entryFor(1, 1)]);
  expect(catalog.names()).toEqual([segmentName(1, 1)]);
});
