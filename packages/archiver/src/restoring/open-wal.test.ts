import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { segmentName, TestServer, walFile } from '../../testing.ts';
import { openWal } from '../index.ts';

const name = segmentName(1, 7);

async function contentOf(wal: { bytes(): AsyncIterable<Buffer> } | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (wal !== undefined) for await (const chunk of wal.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('looks in the order archive, incoming, streaming, and tells where the file was', async () => {
  await using server = await TestServer.create();
  for (const [location, place] of [
    ['streaming', join(server.streaming, name)],
    ['incoming', join(server.incoming, name)],
    ['archive', server.archived(name)],
  ] as const) {
    await server.write(place, walFile(name));
    await using wal = await openWal(server.reading, name);
    expect(wal).toMatchObject({ name, location, path: place, isPartial: false, codec: undefined });
  }
});

test('gives nothing for a file that is nowhere, and takes a partial one only when asked to', async () => {
  await using server = await TestServer.create();
  expect(await openWal(server.reading, name)).toBeUndefined();
  await writeFile(join(server.streaming, `${name}.partial`), walFile(name).subarray(0, 100_000));
  expect(await openWal(server.reading, name)).toBeUndefined();
  await using wal = await openWal(server.reading, name, { partial: true });
  expect(wal?.isPartial).toBe(true);
  const content = await contentOf(wal);
  expect(content.length).toBe(1024 * 1024);
  expect(content.subarray(0, 100_000).equals(walFile(name).subarray(0, 100_000))).toBe(true);
});

test('an open file can be read after the archiver took it away, more than once', async () => {
  await using server = await TestServer.create();
  await server.stream(name, `${segmentName(1, 8)}.partial`);
  await using wal = await openWal(server.reading, name);
  await server.archive({ compression: { method: 'gzip' } });
  expect((await contentOf(wal)).equals(walFile(name))).toBe(true);
  expect((await contentOf(wal)).equals(walFile(name))).toBe(true);
});

test('never ends short without an error', async () => {
  await using server = await TestServer.create();
  const whole = gzipSync(walFile(name));
  for (const content of [
    walFile(name).subarray(0, 900_000),
    whole.subarray(0, whole.length - 20),
    gzipSync(walFile(name).subarray(0, 900_000)),
  ]) {
    await server.write(server.archived(name), content);
    await using wal = await openWal(server.reading, name);
    await expect(contentOf(wal)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_WAL_FILE_(WRONG_SIZE|CORRUPT)$/) });
  }
});

test('can be left in the middle of a compressed file', async () => {
  await using server = await TestServer.create();
  await server.write(server.archived(name), gzipSync(walFile(name)));
  await using wal = await openWal(server.reading, name);
  for await (const chunk of wal?.bytes() ?? []) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
});
