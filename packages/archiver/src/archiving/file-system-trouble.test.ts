import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Disk, FileSystemError, nodeDisk } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { archiveInChild, filesBelow, segmentName, TestServer, walFile } from '../../testing.ts';

const [one, two] = [segmentName(1, 1), segmentName(1, 2)];
const live = `${segmentName(1, 3)}.partial`;

/** A directory on another file system than the temporary directory: shared memory is always one of its own. */
async function elsewhere(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp('/dev/shm/walvault-archiver-');
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test('a copy that breaks off in the middle stops the pass with the source in its place, and nothing half in the archive', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  const options = { ...server.options, compression: { method: 'gzip', level: 1 } } as const;
  // The kernel refuses to write files beyond 8 blocks of 512 bytes, as it does on a full disk.
  const pass = await archiveInChild(options, { shell: 'ulimit -f 8' });
  expect(pass).toMatchObject({ exitCode: 1, output: expect.stringContaining('could not write to "') });
  expect(filesBelow(server.streaming)).toEqual([one, two, live]);
  expect(filesBelow(server.wals)).toEqual([]);
  expect((await archiveInChild(options)).exitCode).toBe(0);
  expect(server.notedNames()).toEqual([one, two]);
});

test('trouble with xlog.db stops the pass with the source in its place; the next pass completes it', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  await mkdir(server.xlogDb);
  await expect(server.archive()).rejects.toThrow(FileSystemError);
  expect(filesBelow(server.streaming)).toEqual([one, two, live]);
  await rm(server.xlogDb, { recursive: true });
  const report = await server.archive();
  expect(report.files.map((file) => file.kind)).toEqual(['duplicate', 'duplicate']);
  expect(server.notedNames()).toEqual([one, two]);
});

test('a pass that is killed at any moment, again and again, loses nothing and notes nothing twice', async () => {
  await using server = await TestServer.create();
  const names = Array.from({ length: 30 }, (_, index) => segmentName(1, index + 1));
  const last = `${segmentName(1, 31)}.partial`;
  await server.stream(...names, last);
  const options = { ...server.options, compression: { method: 'gzip', level: 6 } } as const;
  for (const killAfterMs of [20, 60, 110, 170, 230]) await archiveInChild(options, { killAfterMs });
  expect((await archiveInChild(options)).exitCode).toBe(0);
  expect(filesBelow(server.streaming)).toEqual([last]);
  expect(server.notedNames()).toEqual(names);
  expect(filesBelow(server.wals)).toEqual([...names.map((name) => `0000000100000000/${name}`), 'xlog.db']);
  expect(filesBelow(server.errors)).toEqual([]);
  for (const [name, size] of server.noted()) {
    const archived = await readFile(server.archived(name!));
    expect(archived.length).toBe(Number(size));
    expect(gunzipSync(archived).equals(walFile(name!))).toBe(true);
  }
});

test.each(['none', 'gzip'] as const)('a directory that cannot be made stops the pass, nothing lost (%s)', async (method) => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  await writeFile(join(server.wals, '0000000100000000'), 'in the way');
  await expect(server.archive({ compression: { method } })).rejects.toThrow(FileSystemError);
  expect(filesBelow(server.streaming)).toEqual([one, two, live]);
  expect(filesBelow(server.wals)).toEqual(['0000000100000000']);
});

test.each(['placed now', 'placed by a pass that was killed'])(
  'a directory of the archive that a killed pass has made is durable before a source goes (%s)',
  async (when) => {
    await using server = await TestServer.create();
    await server.stream(one, live);
    if (when === 'placed now') await mkdir(join(server.wals, '0000000100000000'));
    else await server.put(one);
    await server.write(server.xlogDb, `${segmentName(1, 99)}\t1\t1.5\tNone\n`);
    const calls: string[] = [];
    const disk: Disk = {
      ...nodeDisk,
      open: async (path, flags, mode) => {
        const file = await nodeDisk.open(path, flags, mode);
        if (path !== server.wals) return file;
        const sync = file.sync.bind(file);
        file.sync = async () => {
          calls.push('sync');
          await sync();
        };
        return file;
      },
      unlink: async (path) => {
        if (path.startsWith(server.streaming)) calls.push('unlink');
        await nodeDisk.unlink(path);
      },
    };
    await server.archive({ disk });
    expect(calls).toContain('sync');
    expect(calls.indexOf('sync')).toBeLessThan(calls.indexOf('unlink'));
  },
);

test('a directory in the place of the copy stops the pass, nothing lost', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  await mkdir(`${server.archived(one)}.tmp/in-the-way`, { recursive: true });
  await expect(server.archive({ compression: { method: 'zstd' } })).rejects.toThrow(FileSystemError);
  expect(filesBelow(server.streaming)).toEqual([one, live]);
});

test('archives across file systems, by way of a copy', async () => {
  await using server = await TestServer.create();
  await using other = await elsewhere();
  expect((await stat(other.path)).dev).not.toBe((await stat(server.home)).dev);
  await server.stream(one, live);
  const directories = { ...server.options.directories, wals: join(other.path, 'wals') };
  const report = await server.archive({ directories });
  expect(report.files[0]).toMatchObject({ kind: 'archived', compression: undefined });
  expect((await readFile(join(directories.wals, '0000000100000000', one))).equals(walFile(one))).toBe(true);
  expect(filesBelow(other.path)).toEqual([`wals/0000000100000000/${one}`, 'wals/xlog.db']);
  expect(filesBelow(server.streaming)).toEqual([live]);
});

test('moves aside across file systems, files and directories', async () => {
  await using server = await TestServer.create();
  await using other = await elsewhere();
  await writeFile(join(server.streaming, one), 'bad');
  await mkdir(join(server.streaming, 'adir'));
  await writeFile(join(server.streaming, 'adir', 'inside'), 'x');
  await server.stream(live);
  await server.archive({ directories: { ...server.options.directories, errors: other.path } });
  expect(filesBelow(other.path).map((path) => path.replace(/\.\d{8}T\d{6}Z\./, '.STAMP.'))).toEqual([
    `${one}.STAMP.invalid`,
    `${one}.STAMP.invalid.reason`,
    'adir.STAMP.unknown/inside',
  ]);
  expect(filesBelow(server.streaming)).toEqual([live]);
});

test('a file that cannot be moved aside stays where it is', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, 'garbage'), 'x');
  await rm(server.errors, { recursive: true });
  await writeFile(server.errors, 'in the way');
  expect((await server.archive()).files).toMatchObject([{ kind: 'failed', name: 'garbage', error: expect.any(FileSystemError) }]);
  expect(filesBelow(server.streaming)).toEqual(['garbage']);
});
