import { link, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { filesBelow, segmentName, type TestReport, TestServer, walFile } from '../../testing.ts';
import type { ArchiveWalOptions } from '../index.ts';

const [one, two, three, four] = [1, 2, 3, 4].map((number) => segmentName(1, number)) as [string, string, string, string];
const long = Date.now() + 3_600_000;

/** A pass over both directories, an hour from now unless told otherwise: nothing that is there is new. */
function archive(server: TestServer, options: Partial<ArchiveWalOptions> = {}): Promise<TestReport> {
  const directories = { ...server.options.directories, incoming: server.incoming };
  return server.archive({ directories, now: () => long, ...options });
}

/** Puts files into the incoming directory, as archive_command does. */
async function bring(server: TestServer, ...names: readonly string[]): Promise<void> {
  for (const name of names) await writeFile(join(server.incoming, name), walFile(name));
}

const told = (report: TestReport): string[] => report.files.map(({ kind, source, name }) => `${source} ${kind} ${name}`);

test('archives what was streamed first, then what was brought, and holds nothing of that back', async () => {
  await using server = await TestServer.create();
  await server.stream(three, `${four}.partial`);
  await bring(server, two, one, `${one}.00000028.backup`, '00000002.history', `${segmentName(2, 5)}.partial`);
  const report = await archive(server);
  expect(told(report)).toEqual([
    `streaming archived ${three}`,
    `incoming archived ${one}`,
    `incoming archived ${one}.00000028.backup`,
    `incoming archived ${two}`,
    'incoming archived 00000002.history',
    `incoming archived ${segmentName(2, 5)}.partial`,
  ]);
  expect(filesBelow(server.incoming)).toEqual([]);
  expect(server.notedNames()).toEqual(report.files.map(({ name }) => name));
});

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)('keeps what comes compressed with %s as it is, whatever is configured', async (method, compress) => {
  await using server = await TestServer.create();
  const bytes = compress(walFile(one));
  await writeFile(join(server.incoming, one), bytes);
  const elsewhere = { ...server.options.directories, incoming: server.incoming };
  const report = await archive(server, { directories: elsewhere, compression: { method: method === 'gzip' ? 'zstd' : 'gzip' } });
  expect(report.files).toMatchObject([{ kind: 'archived', compression: method, size: bytes.length }]);
  expect((await readFile(server.archived(one))).equals(bytes)).toBe(true);
  expect(server.noted()[0]?.[3]).toBe(method);
});

test('looks into what comes compressed: another segment, a cut off one, a damaged record', async () => {
  await using server = await TestServer.create();
  const damaged = walFile(three);
  damaged[30_000]! ^= 1;
  await writeFile(join(server.incoming, one), gzipSync(walFile(two)));
  await writeFile(join(server.incoming, two), gzipSync(walFile(two)).subarray(0, 5000));
  await writeFile(join(server.incoming, three), gzipSync(damaged));
  await writeFile(join(server.incoming, four), gzipSync(walFile(four).subarray(0, 900_000)));
  const report = await archive(server);
  expect(report.files.map((file) => (file.kind === 'invalid' ? file.error.code : file.kind))).toEqual([
    'ERR_WAL_FILE_CORRUPT',
    'ERR_WAL_FILE_CORRUPT',
    'ERR_WAL_FILE_CORRUPT',
    'ERR_WAL_FILE_WRONG_SIZE',
  ]);
  expect(filesBelow(server.errors)).toHaveLength(8);
  expect(filesBelow(server.wals)).toEqual([]);
});

test('a bad record goes to the errors directory, and the reason says where it is', async () => {
  await using server = await TestServer.create();
  const damaged = walFile(two);
  damaged[40_000]! ^= 0x10;
  await server.stream(one, `${three}.partial`);
  await writeFile(join(server.streaming, two), damaged);
  expect(told(await archive(server))).toEqual([`streaming archived ${one}`, `streaming invalid ${two}`]);
  const reason = filesBelow(server.errors).find((name) => name.endsWith('.reason'));
  expect(readFileSync(join(server.errors, reason!), 'utf8')).toMatch(/record.* 0\/209[0-9A-F]{3}\b.*checksum/s);
});

test('leaves alone for a minute what archive_command may still be copying', async () => {
  await using server = await TestServer.create();
  const short = (name: string): Promise<void> => writeFile(join(server.incoming, name), walFile(name).subarray(0, 300_000));
  await short(one);
  await short(`${three}.partial`);
  await writeFile(join(server.incoming, '00000002.history'), '');
  await bring(server, two);
  const report = await archive(server, { now: Date.now });
  expect(told(report)).toEqual([`incoming archived ${two}`]);
  expect(report.kept.map(({ name, reason }) => `${reason} ${name}`)).toEqual([
    `unfinished ${one}`,
    `unfinished ${three}.partial`,
    'unfinished 00000002.history',
  ]);
  await bring(server, one); // the copy is done
  const later = await archive(server);
  expect(told(later)).toEqual([
    `incoming archived ${one}`,
    `incoming archived ${three}.partial`,
    'incoming invalid 00000002.history',
  ]);
});

test('trouble in one directory does not keep the other from its turn', async () => {
  await using server = await TestServer.create();
  await bring(server, one);
  const directories = {
    ...server.options.directories,
    streaming: join(server.xlogDb, 'not', 'a', 'directory'),
    incoming: server.incoming,
  };
  await writeFile(server.xlogDb, '');
  await expect(archive(server, { directories })).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
  expect(server.notedNames()).toEqual([one]);
});

test('a file that cannot be worked on stays, does not stop the others, and does not count for the batch', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.incoming, one), 'bad');
  await bring(server, two, three);
  await rm(server.errors, { recursive: true });
  await writeFile(server.errors, 'in the way');
  const report = await archive(server, { batchSize: { incoming: 1 } });
  expect(told(report)).toEqual([`incoming failed ${one}`, `incoming archived ${two}`]);
  expect(report.remaining).toBe(1);
  expect(filesBelow(server.incoming)).toEqual([one, three]);
});

test('a batch size counts for its own directory', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, `${four}.partial`);
  await bring(server, '00000002.history', '00000003.history', '00000004.history');
  const report = await archive(server, { batchSize: { streaming: 1, incoming: 2 } });
  expect(told(report)).toEqual([
    `streaming archived ${one}`,
    'incoming archived 00000002.history',
    'incoming archived 00000003.history',
  ]);
  expect(report.remaining).toBe(2);
});

test('a name in small letters is nothing that PostgreSQL asks for: it goes to the errors directory, with advice', async () => {
  await using server = await TestServer.create();
  const name = segmentName(1, 10).toLowerCase();
  await writeFile(join(server.incoming, name), walFile(segmentName(1, 10)));
  expect(told(await archive(server))).toEqual([`incoming unknown ${name}`]);
  const reason = filesBelow(server.errors).find((file) => file.endsWith('.reason'));
  expect(readFileSync(join(server.errors, reason!), 'utf8')).toContain(segmentName(1, 10));
});

test('what both directories have is archived once', async () => {
  await using server = await TestServer.create();
  await server.stream(one, `${two}.partial`);
  await bring(server, one);
  await utimes(join(server.incoming, one), 1, 1);
  expect(told(await archive(server, { compression: { method: 'zstd' } }))).toEqual([
    `streaming archived ${one}`,
    `incoming duplicate ${one}`,
  ]);
  expect(server.notedNames()).toEqual([one]);
  expect((await stat(server.archived(one))).mtimeMs).toBeGreaterThan(1000);
});

test('what archive_command has linked instead of copied is copied: PostgreSQL writes over the segments in pg_wal', async () => {
  await using server = await TestServer.create();
  const inPgWal = join(server.home, one);
  await bring(server, one);
  await link(join(server.incoming, one), inPgWal);
  await archive(server);
  await writeFile(inPgWal, walFile(two), { flag: 'r+' });
  expect((await readFile(server.archived(one))).equals(walFile(one))).toBe(true);
});

test('without a receiver that says which cluster it is, the WAL of one is archived, not of two', async () => {
  await using server = await TestServer.create();
  const own = { systemIdentifier: undefined };
  await bring(server, one);
  await writeFile(join(server.incoming, two), walFile(two, { systemIdentifier: 5n }));
  const first = await archive(server, own);
  await writeFile(join(server.incoming, two), walFile(two, { systemIdentifier: 5n }));
  const second = await archive(server, own);
  await bring(server, two);
  const third = await archive(server, own);
  expect([first, second, third].map(told)).toEqual([
    [`incoming archived ${one}`, `incoming invalid ${two}`],
    [`incoming invalid ${two}`],
    [`incoming archived ${two}`],
  ]);
});
