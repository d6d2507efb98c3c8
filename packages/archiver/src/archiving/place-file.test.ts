import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Disk, type DiskFile, nodeDisk } from '@walvault/durable-fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { filesBelow, segmentName, TestServer, useCompressors, walFile } from '../../testing.ts';
import type { Compression } from '../content/codec.ts';
import { ContentFile } from '../content/content.ts';
import { placeFile } from './place-file.ts';

const name = segmentName(1, 5);
const segment = walFile(name);
useCompressors();

const methods = ['none', 'gzip', 'zstd', 'lz4', 'snappy'] as const;

/** Places the segment from the streaming directory; with the content in memory, or read from the file. */
async function place(
  server: TestServer,
  options: { compression: Compression; disk?: Disk; inMemory?: boolean; signal?: AbortSignal },
): Promise<void> {
  await using source = await ContentFile.open(join(server.streaming, name));
  await placeFile({
    source: source!,
    content: options.inMemory === true ? segment : undefined,
    destination: server.archived(name),
    mayLink: false,
    ...options,
  });
}

/** Damages what is written to the disk, and says that all is well. */
type Damage = (chunk: Uint8Array, position: number) => Uint8Array;

function diskThat(damage: Damage): Disk {
  return {
    ...nodeDisk,
    open: async (path, flags, mode) => damaging(await nodeDisk.open(path, flags, mode), damage),
  };
}

function damaging(file: DiskFile, damage: Damage): DiskFile {
  return {
    writev: async (buffers, position = 0) => {
      const given = Buffer.concat(buffers);
      await file.writev([damage(Buffer.from(given), position)], position);
      return { bytesWritten: given.length };
    },
    read: (...args) => file.read(...args),
    stat: file.stat.bind(file),
    truncate: (size) => file.truncate(size),
    datasync: () => file.datasync(),
    sync: () => file.sync(),
    close: () => file.close(),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

/** One bit of the file turned over, or its end cut off, or something behind it. */
const damages = fc.oneof(
  fc.nat(8 * 4000).map(
    (bit): Damage =>
      (chunk, position) => {
        const at = (bit >> 3) - position;
        const byte = chunk[at];
        if (byte !== undefined) chunk[at] = byte ^ (1 << (bit & 7));
        return chunk;
      },
  ),
  fc.integer({ min: 1, max: 3000 }).map(
    (less): Damage =>
      (chunk) =>
        chunk.subarray(0, Math.max(0, chunk.length - less)),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map(
    (more): Damage =>
      (chunk) =>
        Buffer.concat([chunk, more]),
  ),
);

test('a disk that flips, cuts or adds bytes is found out, the source stays, and nothing is left in the archive', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, name), segment);
  let found = 0;
  await fc.assert(
    fc.asyncProperty(damages, fc.constantFrom(...methods), fc.boolean(), async (damage, method, inMemory) => {
      let isDamaged = false;
      const disk = diskThat((chunk, position) => {
        const before = Buffer.from(chunk);
        const after = damage(chunk, position);
        isDamaged ||= !before.equals(after);
        return after;
      });
      const failure = await place(server, { compression: { method }, disk, inMemory }).catch((error: unknown) => error);
      expect((await readFile(join(server.streaming, name))).equals(segment)).toBe(true);
      if (failure === undefined) {
        // What was placed is right, whatever was done to it: some bits of a format mean nothing.
        await using placed = await ContentFile.open(server.archived(name));
        const chunks: Buffer[] = [];
        for await (const chunk of placed!.bytes()) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(segment)).toBe(true);
        await nodeDisk.unlink(server.archived(name));
        return;
      }
      expect(isDamaged).toBe(true);
      expect(failure).toMatchObject({ code: 'ERR_ARCHIVE_COPY_DIFFERS' });
      expect(filesBelow(server.wals)).toEqual([]);
      found++;
    }),
    { numRuns: 120 },
  );
  expect(found).toBeGreaterThan(100);
});

test.each([
  ['writes garbage', 'head -c 5000 /dev/urandom', 'ERR_ARCHIVE_COPY_DIFFERS'],
  ['cuts', 'head -c 100000', 'ERR_ARCHIVE_COPY_DIFFERS'],
  ['writes nothing', 'true', 'ERR_ARCHIVE_COPY_DIFFERS'],
  ['fails behind its output', 'cat && false', 'ERR_CODEC_PROGRAM_FAILED'],
  ['cannot be found', 'no-such-program-here', 'ERR_CODEC_PROGRAM_FAILED'],
])('a custom filter that %s is found out, and nothing is left in the archive', async (_, filter, code) => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, name), segment);
  const compression: Compression = { method: 'custom', custom: { filter, decompressionFilter: 'cat' } };
  await expect(place(server, { compression })).rejects.toMatchObject({ code });
  expect(filesBelow(server.wals)).toEqual([]);
  expect((await readFile(join(server.streaming, name))).equals(segment)).toBe(true);
});

test('a decompression filter that does not give back what was compressed is found out', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, name), segment);
  const custom = { filter: 'xz -1 -c', decompressionFilter: 'xz -d -c | head -c 1000', magic: '0xfd377a' };
  await expect(place(server, { compression: { method: 'custom', custom } })).rejects.toMatchObject({
    code: 'ERR_ARCHIVE_COPY_DIFFERS',
  });
  expect(filesBelow(server.wals)).toEqual([]);
});

test('a disk that cannot sync the copy: nothing is left in the archive', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, name), segment);
  const broken = diskThat((chunk) => chunk);
  const disk: Disk = {
    ...broken,
    open: async (path, flags, mode) => ({
      ...damaging(await nodeDisk.open(path, flags, mode), (chunk) => chunk),
      sync: () => Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' })),
    }),
  };
  await expect(place(server, { compression: { method: 'zstd' }, disk })).rejects.toMatchObject({ code: 'ERR_SYNC_FAILED' });
  expect(filesBelow(server.wals)).toEqual([]);
});

test('a copy that is called off leaves nothing', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, name), segment);
  for (const method of [...methods, 'bzip2', 'xz'] as const) {
    const signal = AbortSignal.abort(new Error('called off'));
    await expect(place(server, { compression: { method }, signal })).rejects.toThrow('called off');
    expect(filesBelow(server.wals)).toEqual([]);
  }
});

test('a source that is compressed already is stored as it is, with its time', async () => {
  await using server = await TestServer.create();
  const source = join(server.streaming, name);
  const zipped = gzipSync(segment);
  await writeFile(source, zipped);
  await utimes(source, 1_700_000_000, 1_700_000_000.5);
  await place(server, { compression: { method: 'zstd' } });
  expect((await readFile(server.archived(name))).equals(zipped)).toBe(true);
  expect((await stat(server.archived(name))).mtimeMs).toBe(1_700_000_000_500);
});

test('a filter that leaves no magic is read back by the filter of the configuration', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.streaming, name), segment);
  const custom = {
    filter: 'gzip -c | tail -c +11',
    decompressionFilter: '{ printf "\\037\\213\\010\\0\\0\\0\\0\\0\\0\\3"; cat; } | gzip -d -c',
  };
  // As in Barman the redirections belong to the last command of a filter, so a pipe needs braces.
  const braced = { filter: `{ ${custom.filter}; }`, decompressionFilter: `{ ${custom.decompressionFilter}; }` };
  await place(server, { compression: { method: 'custom', custom: braced } });
  await using placed = await ContentFile.open(server.archived(name), { custom: braced });
  expect(placed!.codec).toBe('custom');
  expect(placed!.size).toBeLessThan(segment.length);
});
