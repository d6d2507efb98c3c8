import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { WebStatusError } from '../errors.ts';
import { HistoryFile } from './history-file.ts';

function codeOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error instanceof WebStatusError ? error.code : error;
  }
  return 'nothing was thrown';
}

function execute(path: string, sql: string): void {
  using database = new DatabaseSync(path);
  database.exec(sql);
}

test('a file of somebody else, one that is no database and one of a newer version are left as they are', async () => {
  await using directory = await temporaryDirectory('history');
  const foreign = join(directory.path, 'foreign.sqlite');
  execute(foreign, 'CREATE TABLE theirs (id INTEGER)');
  const before = await readFile(foreign);
  expect(codeOf(() => new HistoryFile(foreign))).toBe('ERR_HISTORY_FILE');
  expect(await readFile(foreign)).toEqual(before);
  const text = join(directory.path, 'text');
  await writeFile(text, 'this is no database, and long enough to be looked at as one '.repeat(20));
  expect(codeOf(() => new HistoryFile(text))).toBe('ERR_HISTORY_DAMAGED');
  const newer = join(directory.path, 'newer.sqlite');
  new HistoryFile(newer)[Symbol.dispose]();
  execute(newer, 'PRAGMA user_version = 99');
  expect(codeOf(() => new HistoryFile(newer))).toBe('ERR_HISTORY_FILE');
  expect(codeOf(() => new HistoryFile(join(directory.path, 'nowhere', 'x')))).toBe('ERR_HISTORY_FILE');
});

test('a file that has lost a part of it opens, and what cannot be read of it is said with its code', async () => {
  await using directory = await temporaryDirectory('history');
  const path = join(directory.path, 'status.sqlite');
  {
    using whole = new HistoryFile(path);
    whole.atOnce(() => {
      for (let at = 0; at < 5000; at += 1) whole.run('INSERT INTO fine (server, at) VALUES (1, ?)', at);
    });
  }
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0xff, 10 * 4096));
  using damaged = new HistoryFile(path);
  expect(codeOf(() => damaged.rows('SELECT at FROM fine'))).toBe('ERR_HISTORY_DAMAGED');
});

test('without room nothing is half written, all is still to be read, and with room it goes on', async () => {
  await using directory = await temporaryDirectory('history');
  using file = new HistoryFile(join(directory.path, 'status.sqlite'));
  const write = (from: number): void =>
    file.atOnce(() => {
      for (let at = from; at < from + 2000; at += 1) file.run('INSERT INTO fine (server, at) VALUES (1, ?)', at);
    });
  const count = (): unknown => file.rows('SELECT count(*) AS rows FROM fine')[0]?.['rows'];
  write(0);
  // SQLite then says what it says on a full disk (SQLITE_FULL).
  const [pages] = file.rows('PRAGMA page_count');
  file.rows(`PRAGMA max_page_count = ${Number(pages?.['page_count'])}`);
  expect(() => write(2000)).toThrow('full');
  expect(count()).toBe(2000);
  file.rows('PRAGMA max_page_count = 1000000');
  write(2000);
  expect(count()).toBe(4000);
});

test('a file belongs to one at a time', async () => {
  await using directory = await temporaryDirectory('history');
  const path = join(directory.path, 'status.sqlite');
  {
    using _ = new HistoryFile(path);
    expect(codeOf(() => new HistoryFile(path))).toBe('ERR_HISTORY_IN_USE');
  }
  expect(codeOf(() => new HistoryFile(path)[Symbol.dispose]())).toBe('nothing was thrown');
});

test('a figure that an older file does not have is added to it', async () => {
  await using directory = await temporaryDirectory('history');
  const path = join(directory.path, 'status.sqlite');
  new HistoryFile(path)[Symbol.dispose]();
  execute(path, 'ALTER TABLE fine DROP COLUMN archiveQueue; ALTER TABLE coarse DROP COLUMN archiveQueue_mean');
  using file = new HistoryFile(path);
  expect(file.rows('SELECT archiveQueue FROM fine')).toEqual([]);
  expect(file.rows('SELECT archiveQueue_mean FROM coarse')).toEqual([]);
});
