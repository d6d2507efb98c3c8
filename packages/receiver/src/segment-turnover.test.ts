import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Disk } from '@walvault/durable-fs';
import { FaultyDisk, Random } from '@walvault/testkit/faulty-disk';
import { describe, expect } from 'vitest';
import { lsnAt, names, piece, random, setUp, size, start } from './segment-writer.test-support.ts';
import { test } from './test-directory.test-support.ts';

/** What one segment after the other is received into. */
const ahead = '.next-segment.tmp';

async function contentOf(directory: string): Promise<Buffer> {
  const files = (await readdir(directory)).toSorted();
  return Buffer.concat(await Promise.all(files.map((name) => readFile(join(directory, name)))));
}

/** Whether a promise is still open when everything that can happen without the disk has happened. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setTimeout(resolve, 20, 'open'));
  return (
    (await Promise.race([
      promise.then(
        () => 'done',
        () => 'failed',
      ),
      turn,
    ])) === 'open'
  );
}

describe('while a full segment waits for its name', () => {
  test('the next one is received into a file that says nothing, and is called .partial only then', async ({ directory }) => {
    const { positions, completed, writer } = setUp(directory);
    await using _ = writer;
    const wal = random(size + 1000);
    await writer.write([piece(0, wal)]);
    expect((await readdir(directory)).toSorted()).toEqual([ahead, `${names[0]}.partial`]);
    expect(positions).toMatchObject({ writtenLsn: lsnAt(size + 1000), flushedLsn: start.lsn });
    await writer.flush();
    expect((await readdir(directory)).toSorted()).toEqual([names[0], `${names[1]}.partial`]);
    expect((await contentOf(directory)).equals(Buffer.concat([wal, Buffer.alloc(size - 1000)]))).toBe(true);
    expect(positions.flushedLsn).toBe(lsnAt(size + 1000));
    expect(completed).toEqual([names[0]]);
  });

  test('a write that fills the next one too waits for the flush', async ({ directory }) => {
    const { positions, completed, writer } = setUp(directory);
    await using _ = writer;
    const wal = random(2 * size + 1);
    const write = writer.write([piece(0, wal)]);
    expect(await isOpen(write)).toBe(true);
    expect(positions.writtenLsn).toBe(lsnAt(size));
    await writer.flush();
    await write;
    expect(completed).toEqual([names[0]]);
    expect((await readdir(directory)).toSorted()).toEqual([ahead, names[0], `${names[1]}.partial`]);
    await writer.flush();
    expect((await readdir(directory)).toSorted()).toEqual([names[0], names[1], `${names[2]}.partial`]);
    expect((await contentOf(directory)).subarray(0, wal.length).equals(wal)).toBe(true);
    expect(positions.flushedLsn).toBe(lsnAt(wal.length));
  });

  test('a .partial of the next one that is there already is gone on with, not replaced', async ({ directory }) => {
    const path = join(directory, `${names[1]}.partial`);
    await writeFile(path, Buffer.alloc(size, 'o'));
    const { writer } = setUp(directory);
    await using _ = writer;
    await writer.write([piece(0, Buffer.alloc(size + 100, 'n'))]);
    const expected = Buffer.concat([Buffer.alloc(100, 'n'), Buffer.alloc(size - 100, 'o')]);
    expect((await readFile(path)).equals(expected)).toBe(true);
    await writer.flush();
    expect((await readFile(path)).equals(expected)).toBe(true);
    expect((await readdir(directory)).toSorted()).toEqual([names[0], `${names[1]}.partial`]);
  });

  test('disposing leaves it as .partial, and removes what has no name', async ({ directory }) => {
    const { writer } = setUp(directory);
    await writer.write([piece(0, random(size + 10))]);
    await writer[Symbol.asyncDispose]();
    await writer[Symbol.asyncDispose]();
    expect(await readdir(directory)).toEqual([`${names[0]}.partial`]);
  });
});

describe('a flush that fails', () => {
  test('fails the write that waits for it', async ({ directory }) => {
    await mkdir(join(directory, names[0])); // in its place
    const { positions, completed, failures, writer } = setUp(directory, { flushesItself: true });
    await using _ = writer;
    const error = expect.objectContaining({ name: 'FileSystemError', path: partialOf(directory, 0) });
    await expect(writer.write([piece(0, random(2 * size + 1))])).rejects.toThrow(error);
    expect(failures).toEqual([error]);
    expect(positions).toMatchObject({ writtenLsn: lsnAt(size), flushedLsn: start.lsn });
    expect(completed).toEqual([]);
  });

  test('fails a write that comes to wait for it afterwards', async ({ directory }) => {
    await mkdir(join(directory, names[0]));
    const { writer } = setUp(directory);
    await using _ = writer;
    await writer.write([piece(0, random(size + 1))]);
    await expect(writer.flush()).rejects.toThrow(expect.objectContaining({ name: 'FileSystemError' }));
    await expect(writer.write([piece(size + 1, random(size))])).rejects.toThrow(
      expect.objectContaining({ name: 'FileSystemError', path: partialOf(directory, 0) }),
    );
    expect((await readdir(directory)).toSorted()).toEqual([ahead, names[0], `${names[0]}.partial`]);
  });

  test('because of who is told of a segment, fails the write as well', async ({ directory }) => {
    const { failures, writer } = setUp(directory, {
      flushesItself: true,
      onSegment: () => {
        throw new Error('the observer broke');
      },
    });
    await using _ = writer;
    await expect(writer.write([piece(0, random(3 * size + 1))])).rejects.toThrow('the observer broke');
    expect(failures).toHaveLength(1);
  });

  test('or none any more for another reason: a write that waits is told', async ({ directory }) => {
    const { writer } = setUp(directory);
    await using _ = writer;
    const write = writer.write([piece(0, random(2 * size + 1))]);
    const failed = expect(write).rejects.toThrow('enough');
    expect(await isOpen(write)).toBe(true);
    writer.giveUp(new Error('enough'));
    await failed;
  });
});

describe('disposing', () => {
  const streaming = '/streaming';

  test('never throws, so that it hides no failure, and removes what has no name all the same', async () => {
    let isBroken = false;
    using disk = new FaultyDisk({
      random: new Random(1),
      directories: [streaming],
      faultAt: ({ kind }) => (isBroken && kind === 'close' ? { errno: 'EIO' } : undefined),
    });
    const { writer } = setUp(streaming, { disk: disk.mount() });
    await writer.write([piece(0, random(size + 10))]);
    isBroken = true;
    await writer[Symbol.asyncDispose]();
    expect([...disk.files(streaming).keys()]).toEqual([`${names[0]}.partial`]);
  });

  test.for(['rename', 'writev'] as const)('closes every file, also after a %s that failed', async (kind) => {
    let isBroken = false;
    using disk = new FaultyDisk({
      random: new Random(1),
      directories: [streaming],
      faultAt: (call) => (isBroken && call.kind === kind ? { errno: 'EIO' } : undefined),
    });
    const mount = disk.mount();
    const open = new Set<unknown>();
    const counting: Disk = {
      open: async (...args) => {
        const file = await mount.open(...args);
        open.add(file);
        const close = file.close.bind(file);
        file.close = () => close().finally(() => open.delete(file));
        return file;
      },
      rename: (from, to) => mount.rename(from, to),
      unlink: (path) => mount.unlink(path),
      link: (from, to) => mount.link(from, to),
      stat: (path) => mount.stat(path),
      lstat: (path, options) => mount.lstat(path, options),
      utimes: (path, accessed, modified) => mount.utimes(path, accessed, modified),
      mkdir: (path, options) => mount.mkdir(path, options),
      readdir: (path, options) => mount.readdir(path, options),
    };
    const { writer } = setUp(streaming, { disk: counting });
    await writer.write([piece(0, random(size))]);
    writer.prepareNext();
    await writer.flush();
    isBroken = true;
    await expect(writer.write([piece(size, random(10))])).rejects.toThrow(expect.objectContaining({ name: 'FileSystemError' }));
    await writer[Symbol.asyncDispose]();
    expect(open.size).toBe(0);
  });
});

describe('beside one another, in any order in which the disk does things', () => {
  const directory = '/streaming';
  const wal = random(3 * size + 12_345);
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 400_000 }), fc.constant(2 * size)), { minLength: 1, maxLength: 40 });

  test('writing, flushing and preparing leave the stream in order, and no .partial is to be seen before all below it is complete', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), steps, async (seed, sizes) => {
        using disk = new FaultyDisk({
          random: new Random(seed),
          directories: [directory],
          restlessness: 0.05,
          faultAt: () => look(),
        });
        const { positions, completed, failures, writer, flusher } = setUp(directory, { disk: disk.mount(), flushesItself: true });
        const look = (): undefined => {
          const seen = [...disk.files(directory).keys()].filter((name) => name !== ahead);
          const isInOrder = seen.every(
            (name, index) => name === names[index] || (name === `${names[index]!}.partial` && index === seen.length - 1),
          );
          if (!isInOrder) throw new Error(`there are ${seen.join(' ')}`);
        };
        {
          await using _ = writer;
          for (let at = 0, step = 0; at < wal.length; step += 1) {
            const end = at + sizes[step % sizes.length]!;
            await writer.write([piece(at, wal.subarray(at, end))]);
            at = end;
            flusher.request();
            writer.prepareNext();
          }
          flusher.request();
          await flusher.settled();
        }
        expect(failures).toEqual([]);
        expect(completed).toEqual(names.slice(0, 3));
        expect(positions.flushedLsn).toBe(lsnAt(wal.length));
        const files = disk.files(directory);
        expect([...files.keys()]).toEqual([...names.slice(0, 3), `${names[3]}.partial`]);
        expect(
          Buffer.concat([...files.values()])
            .subarray(0, wal.length)
            .equals(wal),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('what is flushed is there after a power cut, at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), steps, fc.integer({ min: 1, max: 250 }), async (seed, sizes, cutAt) => {
        using disk = new FaultyDisk({
          random: new Random(seed),
          directories: [directory],
          faultAt: ({ number }) => (number === cutAt ? 'powerCut' : undefined),
        });
        const { positions, writer, flusher } = setUp(directory, { disk: disk.mount(), flushesItself: true });
        for (let at = 0, step = 0; at < wal.length && disk.isMounted; step += 1) {
          const end = at + sizes[step % sizes.length]!;
          await writer.write([piece(at, wal.subarray(at, end))]).catch(() => expect(disk.isMounted).toBe(false));
          at = end;
          flusher.request();
          writer.prepareNext();
        }
        await flusher.settled().catch(() => expect(disk.isMounted).toBe(false));
        await writer[Symbol.asyncDispose]().catch(() => undefined);
        const flushed = Number(positions.flushedLsn - start.lsn);
        const left = disk.files(directory);
        for (let segment = 0; segment * size < flushed; segment += 1) {
          const bytes = left.get(names[segment]!) ?? left.get(`${names[segment]!}.partial`);
          const expected = wal.subarray(segment * size, Math.min(flushed, (segment + 1) * size));
          expect(bytes?.subarray(0, expected.length).equals(expected)).toBe(true);
          if (expected.length === size) expect([...left.keys()]).toContain(names[segment]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

function partialOf(directory: string, segment: 0 | 1): string {
  return join(directory, `${names[segment]}.partial`);
}
