import { randomFillSync } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultyDisk, Random } from '@walvault/testkit/faulty-disk';
import { toWalSegmentSize } from '@walvault/wal';
import { describe, expect } from 'vitest';
import { SegmentFiles } from './segment-files.ts';
import { test } from './test-directory.test-support.ts';

const size = toWalSegmentSize(4 * 1024 * 1024);
const ahead = '.next-segment.tmp';
const zeros = Buffer.alloc(size);
const name = '000000010000000000000003.partial';

/** How much of a file has blocks on the disk, in bytes. */
async function allocated(path: string): Promise<number> {
  return stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a file that is made ahead', () => {
  test('is a sparse one of full size when nothing was prepared', async ({ directory }) => {
    await using files = new SegmentFiles({ directory, walSegmentSize: size, fileMode: 0o640 });
    await using file = await files.openAhead();
    expect(file.path).toBe(join(directory, ahead));
    expect((await readFile(file.path)).equals(zeros)).toBe(true);
    expect(await allocated(file.path)).toBe(0);
    expect((await stat(file.path)).mode & 0o777).toBe(0o640);
  });

  test('is filled with zeros while there is time', async ({ directory }) => {
    await using files = new SegmentFiles({ directory, walSegmentSize: size });
    files.prepare();
    files.prepare();
    await until(async () => (await allocated(join(directory, ahead))) >= size);
    const { ino } = await stat(join(directory, ahead));
    await using file = await files.openAhead();
    expect((await stat(file.path)).ino).toBe(ino);
    expect((await readFile(file.path)).equals(zeros)).toBe(true);
  });

  test('is taken as it is, half filled, by who needs it, and nothing is filled in any more', async ({ directory }) => {
    await using files = new SegmentFiles({ directory, walSegmentSize: size });
    files.prepare();
    await until(async () => (await allocated(join(directory, ahead))) > 0);
    await using file = await files.openAhead();
    expect(await allocated(file.path)).toBeLessThan(size);
    const wal = randomFillSync(Buffer.alloc(size));
    await file.write([wal], 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await readFile(file.path)).equals(wal)).toBe(true);
  });

  test.for([true, false])('is never what an earlier process left there (prepared: %s)', async (isPrepared, { directory }) => {
    await writeFile(join(directory, ahead), Buffer.alloc(size, 'garbage'));
    await using files = new SegmentFiles({ directory, walSegmentSize: size });
    if (isPrepared) files.prepare();
    await using file = await files.openAhead();
    expect((await readFile(file.path)).equals(zeros)).toBe(true);
  });

  test('stays who moved it, when the next one is made', async ({ directory }) => {
    await using files = new SegmentFiles({ directory, walSegmentSize: size });
    await using first = await files.openAhead();
    await first.write([Buffer.from('first')], 0);
    await first.moveTo(files.pathOf(name));
    files.prepare();
    await using second = await files.openAhead();
    await second.write([Buffer.from('second')], 0);
    expect((await readFile(files.pathOf(name))).toString('latin1', 0, 7)).toBe('first\0\0');
    expect((await readFile(files.pathOf(ahead))).toString('latin1', 0, 7)).toBe('second\0');
  });

  test('bars the way to the next one until it has moved', async ({ directory }) => {
    await using files = new SegmentFiles({ directory, walSegmentSize: size });
    await using file = await files.openAhead();
    await file.write([Buffer.from('mine')], 0);
    files.prepare();
    await expect(files.openAhead()).rejects.toThrow(/has its own name before the next one is made/);
    expect((await readFile(join(directory, ahead))).toString('latin1', 0, 4)).toBe('mine');
  });
});

describe('preparing that fails', () => {
  const inMemory = '/streaming';

  test.for(['open', 'unlink', 'writev', 'datasync', 'sync', 'truncate'] as const)(
    'in %s is no failure: the next file is made when it is needed',
    async (kind) => {
      let isBroken = false;
      using disk = new FaultyDisk({
        random: new Random(1),
        directories: [inMemory],
        faultAt: (call) => (isBroken && call.kind === kind ? { errno: 'EIO' } : undefined),
      });
      const mount = disk.mount();
      const left = await mount.open(join(inMemory, ahead), 'wx');
      await left.close();
      isBroken = true;
      await using files = new SegmentFiles({ directory: inMemory, walSegmentSize: size, disk: mount });
      files.prepare();
      await new Promise((resolve) => setTimeout(resolve, 30));
      isBroken = false;
      await using file = await files.openAhead();
      expect(disk.files(inMemory).get(ahead)?.equals(zeros)).toBe(true);
      await file.write([Buffer.from('WAL')], 0);
    },
  );
});

describe('disposing', () => {
  test.for([0, 30, 500])('%d ms after preparing began leaves nothing behind', async (ms, { directory }) => {
    const files = new SegmentFiles({ directory, walSegmentSize: size });
    files.prepare();
    await new Promise((resolve) => setTimeout(resolve, ms));
    await files[Symbol.asyncDispose]();
    expect(await readdir(directory)).toEqual([]);
    files.prepare();
    await files[Symbol.asyncDispose]();
    expect(await readdir(directory)).toEqual([]);
  });

  test('keeps what has moved', async ({ directory }) => {
    const files = new SegmentFiles({ directory, walSegmentSize: size });
    await using file = await files.openAhead();
    await file.moveTo(files.pathOf(name));
    await files[Symbol.asyncDispose]();
    expect(await readdir(directory)).toEqual([name]);
  });
});

describe('whether a file is there', () => {
  test('is told', async ({ directory }) => {
    await writeFile(join(directory, name), '');
    await using files = new SegmentFiles({ directory, walSegmentSize: size });
    expect(await files.has(name)).toBe(true);
    expect(await files.has('000000010000000000000004.partial')).toBe(false);
  });

  test('is not guessed when the disk does not say', async ({ directory }) => {
    await writeFile(join(directory, 'file'), '');
    await using files = new SegmentFiles({ directory: join(directory, 'file'), walSegmentSize: size });
    await expect(files.has(name)).rejects.toThrow(
      expect.objectContaining({ name: 'FileSystemError', message: expect.stringContaining('not a directory') }),
    );
  });
});
