import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { segmentName, TestServer, useCompressors, walFile } from '../../testing.ts';
import { openWal, type WalForm } from '../index.ts';

useCompressors();
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

test('gives a file in the form that is wanted; one that has it already goes as it is', async () => {
  await using server = await TestServer.create();
  const stored = gzipSync(walFile(name), { level: 9 });
  await server.write(server.archived(name), stored);
  await using wal = await openWal(server.reading, name);
  const inForm = (form: WalForm): Promise<Buffer> => collected(wal!.bytes(form));
  expect((await inForm('stored')).equals(stored)).toBe(true);
  expect((await inForm('gzip')).equals(stored)).toBe(true);
  expect((await inForm('plain')).equals(walFile(name))).toBe(true);
  const bzip2 = await inForm('bzip2');
  expect(execFileSync('bzip2', ['-d', '-c'], { input: bzip2, maxBuffer: 2 ** 22 }).equals(walFile(name))).toBe(true);
});

test('a damaged file is not given out in any form', async () => {
  await using server = await TestServer.create();
  await server.write(server.archived(name), gzipSync(walFile(name).subarray(0, 500_000)));
  await using wal = await openWal(server.reading, name);
  for (const form of ['plain', 'stored', 'gzip', 'bzip2'] as const)
    await expect(collected(wal!.bytes(form))).rejects.toMatchObject({ code: 'ERR_WAL_FILE_WRONG_SIZE' });
});

test('an incomplete segment is filled up before it is compressed, and never given as it is stored', async () => {
  await using server = await TestServer.create();
  await server.write(`${server.archived(name)}.partial`, gzipSync(walFile(name).subarray(0, 100_000)));
  await using wal = await openWal(server.reading, name, { partial: true });
  expect((await collected(wal!.bytes('stored'))).length).toBe(1024 * 1024);
  expect(gunzipSync(await collected(wal!.bytes('gzip'))).length).toBe(1024 * 1024);
});

test('reads what the custom filter of the configuration compressed', async () => {
  await using server = await TestServer.create();
  const custom = { filter: 'xz -c | rev', decompressionFilter: '{ tail -c +5 | gzip -d -c; }', magic: '0x01020304' };
  await server.write(server.archived(name), Buffer.concat([Buffer.of(1, 2, 3, 4), gzipSync(walFile(name))]));
  const { directories } = server.reading;
  await using wal = await openWal({ ...server.reading, directories: { ...directories, custom } }, name);
  expect(wal!.codec).toBe('custom');
  expect((await contentOf(wal)).equals(walFile(name))).toBe(true);
});

async function collected(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
