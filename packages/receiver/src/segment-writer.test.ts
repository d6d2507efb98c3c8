import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { formatLsn, parseLsn, toTimelineId } from '@walvault/wal';
import { describe, expect } from 'vitest';
import { lsnAt, names, piece, random, setUp, size, start } from './segment-writer.test-support.ts';
import { test } from './test-directory.test-support.ts';

describe('names and contents', () => {
  test('a segment is a .partial of full size until it is full and flushed', async ({ directory }) => {
    const { positions, completed, writer } = setUp(directory);
    await using _ = writer;
    const wal = random(size);
    await writer.write([piece(0, wal.subarray(0, 1000))]);
    expect(await readdir(directory)).toEqual([`${names[0]}.partial`]);
    expect((await stat(join(directory, `${names[0]}.partial`))).size).toBe(size);
    await writer.write([piece(1000, wal.subarray(1000))]);
    expect(await readdir(directory)).toEqual([`${names[0]}.partial`]);
    expect(writer.hasFullSegment).toBe(true);
    expect(positions).toMatchObject({ writtenLsn: lsnAt(size), flushedLsn: start.lsn });
    await writer.flush();
    expect(await readdir(directory)).toEqual([names[0]]);
    expect((await readFile(join(directory, names[0]))).equals(wal)).toBe(true);
    expect(writer.hasFullSegment).toBe(false);
    expect(positions.flushedLsn).toBe(lsnAt(size));
    expect(completed).toEqual([names[0]]);
  });

  test('a later timeline has files of its own', async ({ directory }) => {
    const { writer } = setUp(directory, { from: { timelineId: toTimelineId(0x1a), lsn: parseLsn('A/100000') } });
    await using _ = writer;
    await writer.write([{ dataStart: parseLsn('A/100000'), data: random(1) }]);
    expect(await readdir(directory)).toEqual(['0000001A0000000A00000001.partial']);
  });

  test('whatever the cuts, the files are the stream, byte for byte', async ({ directory }) => {
    let run = 0;
    const cuts = fc.array(fc.nat(3 * size), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.nat(size - 1), fc.array(fc.boolean(), { maxLength: 41 }), async (cutsAt, tail, flushes) => {
        const into = join(directory, String((run += 1)));
        await mkdir(into);
        const wal = random(3 * size + tail);
        const { positions, completed, writer, flusher } = setUp(into, { flushesItself: true });
        {
          await using _ = writer;
          const bounds = [0, ...cutsAt.toSorted((a, b) => a - b), wal.length];
          const pieces = bounds.slice(1).map((end, index) => piece(bounds[index]!, wal.subarray(bounds[index], end)));
          // in batches of one and more pieces, with and without a flush between
          for (let at = 0, batch = 1; at < pieces.length; at += batch, batch = (batch % 3) + 1) {
            await writer.write(pieces.slice(at, at + batch));
            if (flushes[at] === true) flusher.request();
          }
          flusher.request();
          await flusher.settled();
        }
        const partial = tail === 0 ? [] : [`${names[3]}.partial`];
        expect(await readdir(into)).toEqual([...names.slice(0, 3), ...partial]);
        const files = await Promise.all((await readdir(into)).map((name) => readFile(join(into, name))));
        const padding = Buffer.alloc(tail === 0 ? 0 : size - tail);
        expect(Buffer.concat(files).equals(Buffer.concat([wal, padding]))).toBe(true);
        expect(completed).toEqual(names.slice(0, 3));
        expect(positions.flushedLsn).toBe(lsnAt(wal.length));
        expect(positions.writtenLsn).toBe(positions.flushedLsn);
      }),
      { numRuns: 12 },
    );
  });

  test('a buffer may be used for something else when write has settled', async ({ directory }) => {
    const { writer } = setUp(directory);
    await using _ = writer;
    const buffer = Buffer.alloc(1000, 'a');
    await writer.write([piece(0, buffer)]);
    buffer.fill('b');
    await writer.flush();
    expect((await readFile(join(directory, `${names[0]}.partial`))).subarray(0, 1000)).toEqual(Buffer.alloc(1000, 'a'));
  });
});

describe('order', () => {
  test('a hole is an error that names both positions; what came before it is kept', async ({ directory }) => {
    const { positions, writer } = setUp(directory);
    await using _ = writer;
    const pieces = [piece(0, Buffer.alloc(100, 'a')), piece(200, Buffer.alloc(100, 'b'))];
    await expect(writer.write(pieces)).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_WAL_GAP',
        retry: 'retry',
        lsn: lsnAt(100),
        message: `got WAL at ${formatLsn(lsnAt(200))}, expected ${formatLsn(lsnAt(100))}`,
      }),
    );
    expect(positions.writtenLsn).toBe(lsnAt(100));
    await writer.flush();
    const content = await readFile(join(directory, `${names[0]}.partial`));
    expect(content.subarray(0, 300)).toEqual(Buffer.concat([Buffer.alloc(100, 'a'), Buffer.alloc(200)]));
  });

  test.for([1, size, 7 * size])('a hole of %d bytes at the start is seen', async (bytes, { directory }) => {
    const { writer } = setUp(directory);
    await using _ = writer;
    await expect(writer.write([piece(bytes, random(10))])).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAL_GAP' }));
    expect(await readdir(directory)).toEqual([]);
  });

  test('WAL that was received already is no more welcome than a hole', async ({ directory }) => {
    const { writer } = setUp(directory);
    await using _ = writer;
    await writer.write([piece(0, random(100))]);
    await expect(writer.write([piece(99, random(10))])).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAL_GAP' }));
  });

  test('a piece without data only has to be in its place', async ({ directory }) => {
    const { writer } = setUp(directory);
    await using _ = writer;
    await writer.write([piece(0, Buffer.alloc(0))]);
    expect(await readdir(directory)).toEqual([]);
    await expect(writer.write([piece(1, Buffer.alloc(0))])).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAL_GAP' }));
  });
});

describe('what is there already', () => {
  test('a partial file is gone on with from the start of the segment, and what is behind stays until it is overwritten', async ({
    directory,
  }) => {
    const path = join(directory, `${names[0]}.partial`);
    await writeFile(path, Buffer.alloc(size, 'o'));
    const { writer } = setUp(directory);
    await using _ = writer;
    await writer.write([piece(0, Buffer.alloc(100, 'n'))]);
    await writer.flush();
    expect((await readFile(path)).equals(Buffer.concat([Buffer.alloc(100, 'n'), Buffer.alloc(size - 100, 'o')]))).toBe(true);
  });

  test('a start inside a segment goes on in its file', async ({ directory }) => {
    const path = join(directory, `${names[0]}.partial`);
    await writeFile(path, Buffer.alloc(size, 'o'));
    const { writer } = setUp(directory, { from: { ...start, lsn: lsnAt(1000) } });
    await using _ = writer;
    await writer.write([piece(1000, Buffer.alloc(size - 1000, 'n'))]);
    await writer.flush();
    const expected = Buffer.concat([Buffer.alloc(1000, 'o'), Buffer.alloc(size - 1000, 'n')]);
    expect((await readFile(join(directory, names[0]))).equals(expected)).toBe(true);
  });

  test('and never makes one, whose beginning would be zeros', async ({ directory }) => {
    const { writer } = setUp(directory, { from: { ...start, lsn: lsnAt(1000) } });
    await using _ = writer;
    await expect(writer.write([piece(1000, random(10))])).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_PATH_MISSING', path: join(directory, `${names[0]}.partial`) }),
    );
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('flushing', () => {
  test('a segment that cannot get its name is not flushed', async ({ directory }) => {
    const { positions, completed, writer } = setUp(directory);
    await using _ = writer;
    await mkdir(join(directory, names[0])); // in its place
    await writer.write([piece(0, random(size))]);
    await expect(writer.flush()).rejects.toThrow(expect.objectContaining({ name: 'FileSystemError' }));
    expect(positions.flushedLsn).toBe(start.lsn);
    expect(completed).toEqual([]);
    expect(await readdir(directory)).toEqual([names[0], `${names[0]}.partial`]);
  });

  test('with nothing new it does nothing', async ({ directory }) => {
    const { positions, writer } = setUp(directory);
    await using _ = writer;
    await writer.flush();
    await writer.write([piece(0, random(10))]);
    await writer.flush();
    await writer.flush();
    expect(positions.flushedLsn).toBe(lsnAt(10));
  });

  test('takes along what was written before it began, and not what comes while it runs', async ({ directory }) => {
    const { positions, writer } = setUp(directory);
    await using _ = writer;
    await writer.write([piece(0, random(1000))]);
    const flush = writer.flush();
    await writer.write([piece(1000, random(1000))]);
    await flush;
    expect(positions).toMatchObject({ writtenLsn: lsnAt(2000), flushedLsn: lsnAt(1000) });
  });

  test('with `fullOnly` makes durable and names what is full, and no more than that', async ({ directory }) => {
    const { positions, completed, writer } = setUp(directory);
    await using _ = writer;
    await writer.write([piece(0, random(10))]);
    await writer.flush(true);
    expect(positions.flushedLsn).toBe(start.lsn);
    await writer.write([piece(10, random(size))]);
    await writer.flush(true);
    expect(positions).toMatchObject({ writtenLsn: lsnAt(size + 10), flushedLsn: lsnAt(size) });
    expect(completed).toEqual([names[0]]);
    expect(await readdir(directory)).toEqual([names[0], `${names[1]}.partial`]);
  });
});

test('disposing leaves an unfinished segment as it is, and can be done twice', async ({ directory }) => {
  const { writer } = setUp(directory);
  await writer.write([piece(0, random(10))]);
  await writer[Symbol.asyncDispose]();
  await writer[Symbol.asyncDispose]();
  expect(await readdir(directory)).toEqual([`${names[0]}.partial`]);
});
