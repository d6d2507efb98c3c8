import { link, mkdir, readFile, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { tryLock } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { filesBelow, history, segmentName, TestServer, walFile } from '../../testing.ts';
import { ContentFile } from '../content/content.ts';
import { ArchiverBusyError, type CatalogEntry, type FileResult } from '../index.ts';

const [one, two, three, four] = [1, 2, 3, 4].map((number) => segmentName(1, number)) as [string, string, string, string];
const live = `${four}.partial`;

test('archives complete segments in order, notes each in xlog.db, and leaves the live partial where it is', async () => {
  await using server = await TestServer.create();
  await server.stream(two, one, three, live);
  const report = await server.archive();
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    `archived ${one}`,
    `archived ${two}`,
    `archived ${three}`,
  ]);
  expect(report.kept).toEqual([{ name: live, reason: 'live' }]);
  expect(filesBelow(server.streaming)).toEqual([live]);
  expect(filesBelow(server.wals)).toEqual([...[one, two, three].map((name) => `0000000100000000/${name}`), 'xlog.db']);
  expect(server.notedNames()).toEqual([one, two, three]);
  expect(readFileSync(server.archived(one)).equals(walFile(one))).toBe(true);
});

test('writes lines of xlog.db as Barman does: size in the archive, time of the file, compression', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  await utimes(join(server.streaming, one), 1_795_364_256, 1_795_364_256);
  await utimes(join(server.streaming, two), 1_795_364_256.681, 1_795_364_256.681);
  await server.archive({ batchSize: { streaming: 1 } });
  await server.archive({ compression: { method: 'gzip' } });
  const lines = readFileSync(server.xlogDb, 'utf8').split('\n');
  expect(lines[0]).toBe(`${one}\t1048576\t1795364256.0\tNone`);
  expect(lines[1]).toMatch(new RegExp(`^${two}\\t${(await stat(server.archived(two))).size}\\t1795364256\\.68[01]\\d*\\tgzip$`));
  expect(lines[2]).toBe('');
});

test.each([
  ['gzip', gunzipSync],
  ['zstd', zstdDecompressSync],
] as const)('compresses with %s under the plain name, and keeps mode and time', async (method, decompress) => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  await utimes(join(server.streaming, one), 1_700_000_000, 1_700_000_000);
  const [result] = (await server.archive({ compression: { method, level: 1 } })).files;
  const archived = await readFile(server.archived(one));
  expect(result).toMatchObject({ kind: 'archived', compression: method, size: archived.length });
  expect(archived.length).toBeLessThan(200_000);
  expect(decompress(archived).equals(walFile(one))).toBe(true);
  expect((await stat(server.archived(one))).mtimeMs).toBe(1_700_000_000_000);
  expect(filesBelow(server.streaming)).toEqual([live]);
});

test('stores history and backup history files as they are, histories directly in the archive', async () => {
  await using server = await TestServer.create();
  const backup = `${one}.00000028.backup`;
  await server.stream(one, backup, '00000002.history', segmentName(2, 5), `${segmentName(2, 6)}.partial`);
  const report = await server.archive({ compression: { method: 'gzip' } });
  expect(report.files.map((file) => file.name)).toEqual([one, backup, '00000002.history', segmentName(2, 5)]);
  expect(readFileSync(join(server.wals, '00000002.history'), 'utf8')).toBe(history([1, '0/5000000']));
  expect(readFileSync(server.archived(backup), 'utf8')).toContain('START WAL LOCATION');
});

test('takes as many files as the batch size says, and tells how many are left', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, three, live);
  const first = await server.archive({ batchSize: { streaming: 1 } });
  expect([first.files.length, first.remaining]).toEqual([1, 2]);
  const second = await server.archive({ batchSize: { streaming: 2 } });
  expect([second.files.length, second.remaining]).toEqual([2, 0]);
  expect(server.notedNames()).toEqual([one, two, three]);
});

test('keeps the last complete segment back while no partial one marks the position, unless told not to', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, '00000002.history');
  const report = await server.archive();
  expect(report.kept).toEqual([{ name: two, reason: 'position' }]);
  expect(filesBelow(server.streaming)).toEqual([two]);
  const rest = await server.archive({ receivedThrough: two });
  expect(rest.files.map((file) => file.name)).toEqual([two]);
});

test('a bad file does not pass for the position mark', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two);
  await writeFile(join(server.streaming, three), '');
  const report = await server.archive();
  expect(report.kept).toEqual([{ name: two, reason: 'position' }]);
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`archived ${one}`, `invalid ${three}`]);
});

test('drops a source that the archive has already, and adds the line in xlog.db that a crash left out', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  await server.put(one);
  await server.write(server.archived(two), gzipSync(walFile(two)));
  const report = await server.archive();
  expect(report.files.map((file) => file.kind)).toEqual(['duplicate', 'duplicate']);
  expect(filesBelow(server.streaming)).toEqual([live]);
  expect(server.noted().map(([name, , , codec]) => [name, codec])).toEqual([
    [one, 'None'],
    [two, 'gzip'],
  ]);
  await server.stream(one);
  await server.archive();
  expect(server.notedNames()).toEqual([one, two]);
});

test('moves a file aside whose name the archive has with other content, as often as it comes', async () => {
  await using server = await TestServer.create();
  await server.stream(live);
  await server.put(one);
  for (const seed of ['other', 'another']) {
    await writeFile(join(server.streaming, one), walFile(one, { seed }));
    const [result] = (await server.archive()).files;
    expect(result).toMatchObject({ kind: 'conflict', name: one });
  }
  const moved = filesBelow(server.errors);
  expect(moved).toHaveLength(2);
  for (const name of moved) expect(name).toMatch(new RegExp(`^${one}\\.\\d{8}T\\d{6}Z(-2)?\\.duplicate$`));
  expect(readFileSync(server.archived(one)).equals(walFile(one))).toBe(true);
});

test('puts a good file in the place of a damaged copy in the archive, and keeps the damaged one', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  await server.write(server.archived(one), gzipSync(walFile(one)).subarray(0, 3000));
  await server.write(server.archived(two), walFile(two).subarray(0, 100_000));
  await server.write(server.xlogDb, `${one}\t3000\t1700000000.0\tgzip\n000000010000000000000000\t1048576\t1.5\tNone\n`);
  const report = await server.archive();
  expect(report.files.map((file) => file.kind)).toEqual(['archived', 'archived']);
  expect(server.noted().map(([name, size, , codec]) => `${name} ${size} ${codec}`)).toEqual([
    '000000010000000000000000 1048576 None',
    `${one} 1048576 None`,
    `${two} 1048576 None`,
  ]);
  expect(readFileSync(server.archived(one)).equals(walFile(one))).toBe(true);
  expect(filesBelow(server.errors).filter((name) => name.endsWith('.invalid'))).toHaveLength(2);
});

test('moves what is no WAL file to the errors directory, directories and links too, and ignores work in progress', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  await writeFile(join(server.streaming, 'garbage.txt'), 'x');
  await mkdir(join(server.streaming, 'adir'));
  await writeFile(join(server.streaming, 'adir', 'inside'), 'y');
  await symlink('/etc/hostname', join(server.streaming, three));
  await writeFile(join(server.streaming, `${two}.tmp`), 'half');
  await writeFile(join(server.streaming, '.hidden'), 'half');
  const report = await server.archive();
  const unknown = report.files.filter((file) => file.kind === 'unknown').map((file) => file.name);
  expect(unknown).toEqual([three, 'adir', 'garbage.txt']);
  expect(filesBelow(server.errors).map((path) => path.replace(/\.\d{8}T\d{6}Z\./, '.STAMP.'))).toEqual([
    'adir.STAMP.unknown/inside',
    'garbage.txt.STAMP.unknown',
  ]);
  expect(filesBelow(server.streaming)).toEqual(['.hidden', live, `${two}.tmp`].toSorted());
});

const bad: readonly (readonly [what: string, content: Buffer, code: string])[] = [
  ['an empty file', Buffer.alloc(0), 'ERR_WAL_FILE_WRONG_SIZE'],
  ['a short file', walFile(two).subarray(0, 500_000), 'ERR_WAL_FILE_WRONG_SIZE'],
  ['a file of a few bytes', walFile(two).subarray(0, 20), 'ERR_WAL_FILE_WRONG_SIZE'],
  ['a file that is too long', Buffer.concat([walFile(two), Buffer.alloc(1)]), 'ERR_WAL_FILE_WRONG_SIZE'],
  ['zeros', Buffer.alloc(1024 * 1024), 'ERR_WAL_FILE_CORRUPT'],
  ['the WAL of another segment', walFile(three), 'ERR_WAL_FILE_CORRUPT'],
  ['WAL of a later timeline', walFile(two, { pageTimelineId: 2 }), 'ERR_WAL_FILE_CORRUPT'],
  ['WAL of another cluster', walFile(two, { systemIdentifier: 5n }), 'ERR_WAL_FILE_FOREIGN'],
  ['WAL with another segment size', walFile(two, { size: 2 * 1024 * 1024 }), 'ERR_WAL_FILE_FOREIGN'],
];

test.each(bad)(
  '%s under the name of a segment goes to the errors directory with the reason, and stops nobody',
  async (_, content, code) => {
    await using server = await TestServer.create();
    await server.stream(one, three, live);
    await writeFile(join(server.streaming, two), content);
    const report = await server.archive({ walSegmentSize: 1_048_576 as never });
    expect(report.files.map(({ kind }) => kind)).toEqual(['archived', 'invalid', 'archived']);
    expect(report.files[1]).toMatchObject({ error: { code } });
    const [moved, reason] = filesBelow(server.errors);
    expect(moved).toMatch(/\.invalid$/);
    expect(reason).toBe(`${moved}.reason`);
    expect(readFileSync(join(server.errors, reason!), 'utf8')).toMatch(new RegExp(`^${code}: WAL file "`));
    expect(readFileSync(join(server.errors, moved!)).equals(content)).toBe(true);
    expect(server.notedNames()).toEqual([one, three]);
  },
);

test('a history file that is not one, and a backup history file of another segment, are moved aside', async () => {
  await using server = await TestServer.create();
  await server.stream(live);
  await writeFile(join(server.streaming, '00000002.history'), '2\t0/5000000\tx\n');
  await writeFile(join(server.streaming, '00000003.history'), '\n');
  await writeFile(join(server.streaming, `${one}.00000028.backup`), walFile(`${two}.00000028.backup`));
  const report = await server.archive();
  expect(report.files.map(({ kind }) => kind)).toEqual(['invalid', 'invalid', 'invalid']);
});

test('archives the WAL of a segment that starts with pages of the timeline before', async () => {
  await using server = await TestServer.create();
  const name = segmentName(2, 5);
  await writeFile(join(server.streaming, name), walFile(name, { pageTimelineId: 1 }));
  await server.stream(`${segmentName(2, 6)}.partial`);
  expect((await server.archive()).files[0]).toMatchObject({ kind: 'archived', name });
});

test('takes the segment size from each file when nobody says which it is', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, one), walFile(one, { size: 16 * 1024 * 1024 }));
  await server.stream(two, live);
  expect((await server.archive()).files.map(({ kind }) => kind)).toEqual(['archived', 'archived']);
});

test('after a switch of timelines archives the partial that was left, behind everything else', async () => {
  await using server = await TestServer.create();
  const left = `${segmentName(1, 5)}.partial`;
  const now = `${segmentName(2, 6)}.partial`;
  await server.stream(segmentName(1, 4), left, '00000002.history', segmentName(2, 5), now);
  const report = await server.archive({ compression: { method: 'zstd' } });
  expect(report.files.map((file) => file.name)).toEqual([segmentName(1, 4), '00000002.history', segmentName(2, 5), left]);
  expect(report.kept).toEqual([{ name: now, reason: 'live' }]);
  expect(server.notedNames().at(-1)).toBe(left);
});

test('a stray partial with a higher name does not expose the live one', async () => {
  await using server = await TestServer.create();
  const stray = `${segmentName(1, 99)}.partial`;
  await server.stream(three, live, stray);
  const report = await server.archive();
  expect(filesBelow(server.streaming)).toEqual([live, stray]);
  expect(report.kept.map((file) => file.name)).toEqual([live, stray]);
});

test('removes a partial that nothing was written to, once it is certain that nobody writes it', async () => {
  await using server = await TestServer.create();
  const blank = `${two}.partial`;
  await writeFile(join(server.streaming, blank), Buffer.alloc(1024 * 1024));
  await server.stream(live);
  expect((await server.archive()).kept).toEqual([
    { name: blank, reason: 'unproven' },
    { name: live, reason: 'live' },
  ]);
  const report = await server.archive({ livePartial: live });
  expect(report.files).toEqual([{ kind: 'blank', source: 'streaming', name: blank }]);
  expect(filesBelow(server.streaming)).toEqual([live]);
});

test('tells of a file while its source is still there, and ends the pass if that fails', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  const trouble = new Error('catalogue is not there');
  const told: FileResult[] = [];
  const failing = server.archive({
    onFile: (result) => {
      told.push(result);
      throw trouble;
    },
  });
  await expect(failing).rejects.toBe(trouble);
  expect(filesBelow(server.streaming)).toEqual([one, two, live]);
  const again = await server.archive({ onFile: (result) => void told.push(result) });
  expect(told.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`archived ${one}`, `duplicate ${one}`, `duplicate ${two}`]);
  expect(again.files).toHaveLength(2);
  expect(server.notedNames()).toEqual([one, two]);
});

test('uses the xlog.db that is there under its newer name, or the directory that is set', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  await server.write(join(server.wals, 'pg-xlog.db'), '');
  await server.archive();
  expect(readFileSync(join(server.wals, 'pg-xlog.db'), 'utf8')).toMatch(new RegExp(`^${one}\t`));
  await server.stream(two);
  await mkdir(join(server.home, 'db'));
  await server.archive({ xlogDbDirectory: join(server.home, 'db') });
  expect(readFileSync(join(server.home, 'db', 'pg-xlog.db'), 'utf8')).toMatch(new RegExp(`^${two}\t`));
});

test('refuses to run beside another pass on the same server, and says whose it is', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  const lock = await tryLock(join(server.home, '.pg-archive-wal.lock'));
  const refused = server.archive();
  await expect(refused).rejects.toThrow(ArchiverBusyError);
  await expect(refused).rejects.toMatchObject({ code: 'ERR_ARCHIVER_BUSY', retry: 'retry', pid: process.pid });
  await lock?.[Symbol.asyncDispose]();
  expect((await server.archive()).files).toHaveLength(1);
});

test('ends between two files when it is aborted', async () => {
  await using server = await TestServer.create();
  const names = Array.from({ length: 30 }, (_, index) => segmentName(1, index + 1));
  await server.stream(...names, `${segmentName(1, 31)}.partial`);
  const controller = new AbortController();
  const reason = new Error('shutting down');
  const pass = server.archive({ signal: controller.signal, onFile: () => controller.abort(reason) });
  await expect(pass).rejects.toBe(reason);
  const noted = server.notedNames();
  expect(noted.length).toBeLessThan(30);
  expect(noted).toEqual(names.slice(0, noted.length));
  expect(filesBelow(server.streaming)).toEqual([...names.slice(noted.length), `${segmentName(1, 31)}.partial`]);
});

test('has nothing to do where the receiver has not made its directory yet', async () => {
  await using server = await TestServer.create();
  const directories = { ...server.options.directories, streaming: join(server.home, 'not-yet') };
  expect(await server.archive({ directories })).toMatchObject({ files: [], kept: [], remaining: 0 });
});

/** The states that a crash can leave between two steps of one file, made by hand: the next run completes every one. */
const crashes: readonly (readonly [where: string, leave: (server: TestServer) => Promise<void>])[] = [
  ['before anything', () => Promise.resolve()],
  ['while copying', (server) => server.write(`${server.archived(one)}.tmp`, walFile(one).subarray(0, 70_000))],
  ['before the rename', (server) => server.write(`${server.archived(one)}.tmp`, gzipSync(walFile(one)))],
  ['behind the rename', (server) => server.write(server.archived(one), gzipSync(walFile(one)))],
  [
    'behind the link',
    async (server) => {
      await mkdir(join(server.archived(one), '..'), { recursive: true });
      await link(join(server.streaming, one), server.archived(one));
    },
  ],
  [
    'in the middle of the line',
    async (server) => {
      await server.write(server.archived(one), gzipSync(walFile(one)));
      await server.write(server.xlogDb, `000000010000000000000000\t1048576\t1.5\tNone\n${one}\t81`);
    },
  ],
  [
    'before the end of the line',
    async (server) => {
      await server.write(server.archived(one), walFile(one));
      await server.write(server.xlogDb, `000000010000000000000000\t1048576\t1.5\tNone\n${one}\t1048576\t1.5\tNone`);
    },
  ],
  [
    'behind the line',
    async (server) => {
      await server.write(server.archived(one), walFile(one));
      await server.write(server.xlogDb, `${one}\t1048576\t1700000000.0\tNone\n`);
    },
  ],
];

test.each(crashes)('goes on after a crash %s: nothing lost, nothing twice', async (_, leave) => {
  for (const method of ['none', 'gzip'] as const) {
    await using server = await TestServer.create();
    await server.stream(one, two, live);
    await leave(server);
    await server.archive({ compression: { method } });
    const archived = await readFile(server.archived(one));
    const content = archived.readUInt16BE(0) === 0x1f8b ? gunzipSync(archived) : archived;
    expect(content.equals(walFile(one))).toBe(true);
    expect(server.notedNames().filter((name) => name !== '000000010000000000000000')).toEqual([one, two]);
    expect(Number(server.noted().find(([name]) => name === one)?.[1])).toBe(archived.length);
    expect(filesBelow(server.streaming)).toEqual([live]);
    expect(filesBelow(server.wals).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(filesBelow(server.errors)).toEqual([]);
  }
});

test('leaves a temporary file alone whose source is not there: it may be the only copy', async () => {
  await using server = await TestServer.create();
  await server.stream(two, live);
  await server.write(`${server.archived(one)}.tmp`, walFile(one));
  await server.archive();
  expect(filesBelow(server.wals)).toContain(`0000000100000000/${one}.tmp`);
});

test('a partial is copied, not linked: the archive does not change with the source', async () => {
  await using server = await TestServer.create();
  const left = `${segmentName(1, 2)}.partial`;
  await server.stream(left, live);
  await link(join(server.streaming, left), join(server.home, 'kept-open'));
  await server.archive({ livePartial: live });
  await truncate(join(server.home, 'kept-open'), 10);
  expect((await stat(server.archived(left))).size).toBe(1024 * 1024);
});

test('zeros that a crash has left in xlog.db go, and the files that they stood for are noted anew', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, three, live);
  await server.archive();
  const lines = readFileSync(server.xlogDb, 'latin1').split('\n');
  const torn = `${lines[1]!.slice(0, 30)}${'\0'.repeat(lines[1]!.length - 30)}`;
  await writeFile(server.xlogDb, `${lines[0]}\n${torn}\n${'\0'.repeat(40)}\n`);
  await server.stream(three);
  expect((await server.archive()).files.map(({ kind }) => kind)).toEqual(['duplicate']);
  expect(server.noted().map((columns) => columns.length)).toEqual([4, 4, 4]);
  expect(server.notedNames()).toEqual([one, two, three]);
});

test('what a process remembers of xlog.db does not count when another one has changed it', async () => {
  await using server = await TestServer.create();
  const xlogDbMemory = {};
  await server.stream(one, two, live);
  await server.archive({ xlogDbMemory });
  const text = readFileSync(server.xlogDb, 'utf8');
  await writeFile(server.xlogDb, text.slice(text.indexOf('\n') + 1));
  await server.stream(one, three);
  await server.archive({ xlogDbMemory });
  expect(server.notedNames()).toEqual([two, one, three]);
});

test.each(['none', 'gzip', 'zstd', 'lz4', 'snappy', 'pigz'] as const)(
  'many at once are each stored and noted as they are: %s',
  async (method) => {
    await using server = await TestServer.create();
    const names = Array.from({ length: 12 }, (_, index) => segmentName(1, index + 1));
    await server.stream(...names, segmentName(1, 13));
    const noted = new Map<string, string>();
    const catalog = {
      note: (entries: readonly CatalogEntry[]) => {
        for (const { facts } of entries) noted.set(facts.name, facts.sha256);
      },
      seamOf: () => undefined,
    };
    const report = await server.archive({ compression: { method }, catalog, receivedThrough: segmentName(1, 13), workers: 3 });
    expect(report.files.map(({ kind }) => kind)).toEqual(Array.from({ length: 13 }, () => 'archived'));
    for (const name of names) {
      await using file = (await ContentFile.open(server.archived(name)))!;
      expect((await file.whole())?.equals(walFile(name))).toBe(true);
      expect(noted.get(name)).toBe(createHash('sha256').update(walFile(name)).digest('hex'));
    }
  },
);
