import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  defaultWalPageSize,
  type Lsn,
  pageMagicOfMajor,
  toTimelineId,
  toWalSegmentSize,
  walFileNameAt,
  type WalSegmentSize,
} from '@walvault/wal';
import { expect, test } from 'vitest';
import { segmentName, TestServer, walFile } from '../../testing.ts';
import { peekWal } from './peek-wal.ts';

async function peeked(server: TestServer, name: string, count: number): Promise<string[]> {
  const names: string[] = [];
  for await (const next of peekWal({ directories: server.reading.directories }, name, count)) names.push(next);
  return names;
}

/** The first 40 bytes of a segment are all that is looked at. */
function pageHeader(lsn: bigint, size: WalSegmentSize): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.writeUInt16LE(pageMagicOfMajor(18) ?? 0, 0);
  bytes.writeUInt16LE(0x0002, 2);
  bytes.writeUInt32LE(1, 4);
  bytes.writeBigUInt64LE(lsn, 8);
  bytes.writeUInt32LE(size, 32);
  bytes.writeUInt32LE(defaultWalPageSize, 36);
  return bytes;
}

test.each([1, 2, 16, 64, 512, 1024])('goes on in the next log file where one of %s MiB segments ends', async (mebibytes) => {
  await using server = await TestServer.create();
  const size = toWalSegmentSize(mebibytes * 1024 * 1024);
  // Two segments before the end of the log file, and two behind it.
  const lsns = [-2n, -1n, 0n, 1n].map((step) => ((7n << 32n) + step * BigInt(size)) as Lsn);
  const names = lsns.map((lsn) => walFileNameAt(toTimelineId(1), lsn, size));
  for (const [index, lsn] of lsns.entries()) await server.write(server.archived(names[index]!), pageHeader(lsn, size));
  // What a guess from the name alone would take for the next one.
  if (mebibytes > 1) await server.write(server.archived('000000010000000600000FFF'), 'no such segment');
  expect(names[2]).toBe('000000010000000700000000');
  expect(await peeked(server, names[0]!, 100)).toEqual(names);
  expect(await peeked(server, names[0]!, 3)).toEqual(names.slice(0, 3));
  expect(await peeked(server, names[2]!, 1)).toEqual([names[2]]);
});

test('looks in all directories, stops at the first that is missing, and never lists a partial one', async () => {
  await using server = await TestServer.create();
  const [one, two, three, four, five] = [1, 2, 3, 4, 5].map((number) => segmentName(1, number));
  await server.write(server.archived(one!), gzipSync(walFile(one!)));
  await server.write(join(server.incoming, two!), walFile(two!));
  await server.write(join(server.streaming, three!), walFile(three!));
  await server.write(join(server.streaming, `${four!}.partial`), walFile(four!));
  await server.write(server.archived(five!), walFile(five!));
  expect(await peeked(server, one!, 10)).toEqual([one, two, three]);
  expect(await peeked(server, five!, 10)).toEqual([five]);
  expect(await peeked(server, four!, 10)).toEqual([]);
});

test('what no other file follows stands alone', async () => {
  await using server = await TestServer.create();
  await server.put('00000002.history', `${segmentName(1, 3)}.00000028.backup`);
  expect(await peeked(server, '00000002.history', 5)).toEqual(['00000002.history']);
  expect(await peeked(server, `${segmentName(1, 3)}.00000028.backup`, 5)).toEqual([`${segmentName(1, 3)}.00000028.backup`]);
  expect(await peeked(server, '00000003.history', 5)).toEqual([]);
});

test('a damaged first file is an error, since nobody knows which one comes next', async () => {
  await using server = await TestServer.create();
  await server.write(server.archived(segmentName(1, 3)), 'not WAL');
  await expect(peeked(server, segmentName(1, 3), 5)).rejects.toMatchObject({ code: 'ERR_WAL_FILE_WRONG_SIZE' });
});
