import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { tryLock } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { segmentName, TestServer, walFile } from '../../testing.ts';
import { archiveLockPath, xlogDbLockPath } from './layout.ts';
import { rebuildXlogDb, type RebuildXlogDbOptions, type RebuildXlogDbReport } from './rebuild-xlog-db.ts';

function rebuild(server: TestServer, options: Partial<RebuildXlogDbOptions> = {}): Promise<RebuildXlogDbReport> {
  return rebuildXlogDb({ serverName: 'pg', walsDirectory: server.wals, lockDirectory: server.home, ...options });
}

test('lists everything that is there, sorted, with size, time and compression, incomplete segments too', async () => {
  await using server = await TestServer.create();
  const [one, two, three] = [1, 2, 3].map((number) => segmentName(1, number));
  await server.put(three!, `${three!}.00000028.backup`, `${segmentName(2, 3)}.partial`, '00000002.history');
  await server.write(server.archived(one!), gzipSync(walFile(one!)));
  await server.write(server.archived(two!), zstdCompressSync(walFile(two!)));
  await utimes(server.archived(one!), 1_700_000_000, 1_700_000_000.25);
  const report = await rebuild(server);
  expect(report).toEqual({ path: server.xlogDb, counts: { segment: 3, partial: 1, backup: 1, history: 1 }, unexpected: [] });
  const backup = `${three!}.00000028.backup`;
  expect(server.notedNames()).toEqual([one, two, three, backup, '00000002.history', `${segmentName(2, 3)}.partial`]);
  const sizeOf = async (name: string): Promise<string> => String((await stat(server.archived(name))).size);
  expect(server.noted()[0]).toEqual([one, await sizeOf(one!), '1700000000.25', 'gzip']);
  expect(server.noted()[1]?.[3]).toBe('zstd');
  expect(server.noted()[2]?.[3]).toBe('None');
});

test('an xlog.db that the archiver wrote comes out the same, but sorted', async () => {
  await using server = await TestServer.create();
  await server.stream(
    segmentName(1, 1),
    segmentName(1, 2),
    '00000002.history',
    segmentName(2, 2),
    `${segmentName(2, 3)}.partial`,
  );
  await server.archive({ compression: { method: 'zstd' }, livePartial: `${segmentName(2, 3)}.partial` });
  const before = server.noted().toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
  expect(before.length).toBeGreaterThanOrEqual(4);
  await rebuild(server);
  expect(server.noted()).toEqual(before);
});

test('what does not belong there is told and not listed; what is hidden is not even told', async () => {
  await using server = await TestServer.create();
  const name = segmentName(1, 1);
  const hash = join(server.wals, '0000000100000000');
  await server.put(name);
  const unexpected = [join(hash, 'README'), join(hash, `${name}.tmp`), join(hash, segmentName(2, 1)), join(server.wals, 'notes')];
  for (const path of [...unexpected, join(hash, '.hidden'), join(server.wals, 'xlog.db')]) await server.write(path, 'x');
  const report = await rebuild(server);
  expect(report.unexpected.toSorted()).toEqual(unexpected.toSorted());
  expect(server.notedNames()).toEqual([name]);
});

test('the file of newer Barmans is made anew where it is, and knows what is encrypted', async () => {
  await using server = await TestServer.create();
  const [one, two] = [1, 2].map((number) => segmentName(1, number));
  await server.put(one!, two!);
  const path = join(server.home, 'pg-xlog.db');
  const size = (await stat(server.archived(one!))).size;
  await writeFile(path, `${one}\t${size}\t1.0\tgzip\tgpg\n${two}\t7\t1.0\tgzip\tgpg\nnonsense\n`);
  expect(await rebuild(server, { xlogDbDirectory: server.home })).toMatchObject({ path });
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => line.split('\t').toSpliced(1, 2))).toEqual([
    [one, 'gzip', 'gpg'],
    [two, 'None'],
  ]);
});

test('an archive that nobody has made yet has an empty list', async () => {
  await using server = await TestServer.create();
  const walsDirectory = join(server.home, 'later', 'wals');
  const report = await rebuild(server, { walsDirectory });
  expect(await readFile(join(walsDirectory, 'xlog.db'), 'utf8')).toBe('');
  expect(report.counts).toEqual({ segment: 0, partial: 0, backup: 0, history: 0 });
});

test('waits for an archiver, and leaves the old file when that does not end', async () => {
  await using server = await TestServer.create();
  await server.put(segmentName(1, 1));
  await writeFile(server.xlogDb, 'as it was\n');
  for (const path of [archiveLockPath(server.home, 'pg'), xlogDbLockPath(server.home, 'pg')]) {
    await using _ = await tryLock(path);
    await expect(rebuild(server, { patienceMs: 0 })).rejects.toMatchObject({ code: 'ERR_ARCHIVER_BUSY' });
    await expect(rebuild(server, { signal: AbortSignal.abort(new Error('called off')) })).rejects.toThrow();
    expect(await readFile(server.xlogDb, 'utf8')).toBe('as it was\n');
  }
  const lock = await tryLock(archiveLockPath(server.home, 'pg'));
  const rebuilt = rebuild(server);
  await lock![Symbol.asyncDispose]();
  await rebuilt;
  expect(server.notedNames()).toEqual([segmentName(1, 1)]);
});
