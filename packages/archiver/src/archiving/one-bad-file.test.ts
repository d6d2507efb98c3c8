import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, nodeDisk } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { filesBelow, segmentName, TestServer, walFile } from '../../testing.ts';

const [one, two, three] = [1, 2, 3].map((number) => segmentName(1, number)) as [string, string, string];
const live = `${segmentName(1, 9)}.partial`;

test('what the archive has under a name cannot be read: that file stays, those behind it are archived', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, three, live);
  await mkdir(server.archived(two), { recursive: true });
  const report = await server.archive();
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    `archived ${one}`,
    `failed ${two}`,
    `archived ${three}`,
  ]);
  expect(filesBelow(server.streaming)).toEqual([two, live]);
});

test('a file that the custom filter cannot decompress stays, those behind it are archived', async () => {
  await using server = await TestServer.create();
  const custom = { filter: 'cat', decompressionFilter: 'false', magic: '0x4d594d59' };
  await writeFile(join(server.incoming, one), 'MYMY and what the filter makes of it');
  await writeFile(join(server.incoming, two), walFile(two));
  const directories = { ...server.options.directories, incoming: server.incoming };
  const report = await server.archive({
    directories,
    compression: { method: 'custom', custom } as const,
    now: () => Date.now() + 3_600_000,
  });
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`failed ${one}`, `archived ${two}`]);
});

test('a bad file that cannot be moved aside stays, and leaves no reason in the errors directory', async () => {
  await using server = await TestServer.create();
  await server.stream(one, three, live);
  await writeFile(join(server.streaming, two), 'no WAL');
  const rename: Disk['rename'] = async (from, to) => {
    if (from === join(server.streaming, two)) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    await nodeDisk.rename(from, to);
  };
  const report = await server.archive({ disk: { ...nodeDisk, rename } });
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    `archived ${one}`,
    `failed ${two}`,
    `archived ${three}`,
  ]);
  expect(filesBelow(server.streaming)).toEqual([two, live]);
  expect(filesBelow(server.errors)).toEqual([]);
});

test('a file that has changed since it was looked at is not removed', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  const other = walFile(one, { seed: 'other' });
  await server.archive({
    onFile: async () => {
      await rm(join(server.streaming, one));
      await writeFile(join(server.streaming, one), other);
    },
  });
  expect((await readFile(join(server.streaming, one))).equals(other)).toBe(true);
  const report = await server.archive();
  expect(report.files.map(({ kind }) => kind)).toEqual(['conflict']);
});

test('a line of xlog.db that was cut off on a full disk is mended before the other directory has its turn', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  await writeFile(join(server.incoming, two), walFile(two));
  const directories = { ...server.options.directories, incoming: server.incoming };
  const disk = diskWithoutRoomFor(server.xlogDb);
  const pass = { directories, disk, now: () => Date.now() + 3_600_000 };
  await expect(server.archive(pass)).rejects.toMatchObject({ code: 'ERR_STORAGE_FULL' });
  await server.archive(pass);
  expect(server.noted().map((columns) => columns.length)).toEqual([4, 4]);
  expect(server.notedNames().toSorted()).toEqual([one, two]);
});

/** Writes half of what is appended to a file the first time, and says that the disk is full. */
function diskWithoutRoomFor(path: string): Disk {
  let isFull = true;
  const open: Disk['open'] = async (opened, flags, mode) => {
    const file = await nodeDisk.open(opened, flags, mode);
    if (opened !== path || flags !== 'a' || !isFull) return file;
    isFull = false;
    const writev = async ([first]: readonly Uint8Array[]): Promise<never> => {
      await file.writev([first!.subarray(0, first!.length / 2)]);
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    return new Proxy(file, {
      get(target, key) {
        if (key === 'fd') return undefined;
        if (key === 'writev') return writev;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  return { ...nodeDisk, open };
}
