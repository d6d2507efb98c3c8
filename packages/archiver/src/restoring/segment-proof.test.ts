import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildWal, pieces } from '@walvault/wal/testing';
import { parseLsn, parseWalFileName, toTimelineId } from '@walvault/wal';
import { expect, test } from 'vitest';
import { segmentName, segmentSize, systemIdentifier, TestServer, walFile } from '../../testing.ts';
import { Catalog } from '../catalog/catalog.ts';
import { entryNamed } from '../catalog/catalog.test-support.ts';
import { restoreWal, type RestoreOutcome, type RestoreWalOptions } from '../index.ts';
import { secondsOf } from '../wal-files/xlog-db-line.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import { SegmentProof } from './segment-proof.ts';

const name = segmentName(1, 1);
const wal = walFile(name);

/** The same with one bit in the middle of a record turned. */
function withWrongBit(): Buffer {
  const damaged = Buffer.from(wal);
  damaged[500_000]! ^= 4;
  return damaged;
}

function prove(chunks: Iterable<Buffer>, sha256?: string): void {
  const proof = new SegmentProof({ name: parseWalFileName(name) as SegmentFileName, facts: {}, path: '/wals/x', sha256 });
  for (const chunk of chunks) proof.take(chunk);
  proof.finish();
}

test('right content is proven by its records, or by its checksum, in chunks of any size', () => {
  const sha256 = createHash('sha256').update(wal).digest('hex');
  for (const known of [undefined, sha256]) {
    prove([wal], known);
    prove(pieces(wal, 3, 50_000), known);
  }
});

test('a wrong bit is found by either, and the message says where', () => {
  const damaged = withWrongBit();
  expect(() => prove(pieces(damaged, 3, 50_000))).toThrow(/is damaged: the (record|page) at 0\/1[0-9A-F]{5} is not right: /);
  const sha256 = createHash('sha256').update(wal).digest('hex');
  expect(() => prove([damaged], sha256)).toThrow(/its checksum is not the one in the catalogue/);
});

/** Puts content into the archive and restores it. */
async function restored(
  content: Buffer,
  options: (server: TestServer) => Promise<Partial<RestoreWalOptions>>,
): Promise<RestoreOutcome> {
  await using server = await TestServer.create();
  await server.write(server.archived(name), content);
  const destination = join(server.home, 'pg_wal', 'RECOVERYXLOG');
  await mkdir(dirname(destination));
  try {
    const outcome = await restoreWal({ ...server.reading, ...(await options(server)) }, name, destination);
    expect((await readFile(destination)).equals(content)).toBe(true);
    return outcome;
  } catch (error) {
    expect(readdirSync(dirname(destination))).toEqual([]);
    throw error;
  }
}

/** A catalogue that knows the file, as it is or as it was before. */
function catalogued(sha256: string, change: { readonly seconds?: number } = {}) {
  return async (server: TestServer): Promise<Partial<RestoreWalOptions>> => {
    const catalogPath = join(server.home, 'walvault.sqlite');
    const { mtimeNs, size } = await stat(server.archived(name), { bigint: true });
    using catalog = Catalog.open(catalogPath);
    const entry = entryNamed(name, { sha256, storedBytes: Number(size) });
    catalog.note([{ ...entry, modifiedAt: secondsOf(mtimeNs) - (change.seconds ?? 0) }]);
    return { catalogPath };
  };
}

test('a damaged record is not handed over, unless somebody wants what is before it', async () => {
  await expect(restored(withWrongBit(), async () => ({}))).rejects.toMatchObject({
    code: 'ERR_WAL_FILE_CORRUPT',
    hint: expect.stringContaining('--no-verify'),
  });
  expect(await restored(withWrongBit(), async () => ({ verify: false }))).toMatchObject({ kind: 'restored' });
});

test('content that is not what the catalogue knows is not handed over, also where every record is right', async () => {
  const padded = Buffer.from(wal);
  padded[20]! ^= 1; // the last four bytes of a page header mean nothing
  prove([padded]);
  const sha256 = createHash('sha256').update(wal).digest('hex');
  expect(await restored(wal, catalogued(sha256))).toMatchObject({ kind: 'restored' });
  await expect(restored(padded, catalogued(sha256))).rejects.toMatchObject({ code: 'ERR_WAL_FILE_CORRUPT' });
});

test('what the catalogue says of another file than the one that is there does not count; nor does a catalogue that is none', async () => {
  expect(await restored(wal, catalogued('ab'.repeat(32), { seconds: 1 }))).toMatchObject({ kind: 'restored' });
  await expect(restored(withWrongBit(), catalogued('ab'.repeat(32), { seconds: 1 }))).rejects.toThrow(/is damaged/);
  expect(await restored(wal, broken)).toMatchObject({ kind: 'restored' });
});

async function broken(server: TestServer): Promise<Partial<RestoreWalOptions>> {
  const catalogPath = join(server.home, 'walvault.sqlite');
  await writeFile(catalogPath, 'nonsense');
  return { catalogPath };
}

/** Two segments, with a record of so many bytes of data that begins in the first one and ends in the second one. */
function pairWithRecordOver(length: number): readonly [before: Buffer, after: Buffer] {
  const filler = segmentSize - Math.round(length / 2) - 2 * 7300;
  const { bytes } = buildWal({
    startLsn: parseLsn('0/500000'),
    walSegmentSize: segmentSize,
    timelineId: toTimelineId(1),
    systemIdentifier,
    items: [
      ...Array.from({ length: Math.floor(filler / 7300) }, () => ({ body: dataOf(7200) })),
      { body: dataOf(length) },
      { kind: 'switch' as const },
    ],
  });
  return [bytes.subarray(0, segmentSize), bytes.subarray(segmentSize, 2 * segmentSize)];
}

/** Data of a record as XLogRecordAssemble lays it out (XLR_BLOCK_ID_DATA_LONG). */
function dataOf(length: number): Buffer {
  const body = Buffer.alloc(length, 'some data of a record');
  body.writeUInt8(254, 0);
  body.writeUInt32LE(length - 5, 1);
  return body;
}

function turned(content: Buffer, at: number): Buffer {
  const damaged = Buffer.from(content);
  damaged[at]! ^= 4;
  return damaged;
}

const [before, after] = pairWithRecordOver(60_000);
const wrongRest = turned(after, 3000);

test.each([
  ['it is right, and so is the segment before', before, after, true],
  ['it is wrong', before, wrongRest, false],
  ['the beginning of its record in the segment before is wrong', turned(before, segmentSize - 3000), after, false],
  ['it is wrong, and no segment is before to tell', undefined, wrongRest, true],
  ['it is wrong, and the segment before is compressed', gzipSync(before), wrongRest, true],
  ['its record began before the last pages that are looked at', ...pairWithRecordOver(700_000), true],
] as const)('the rest of a record from the segment before: %s', async (_, first, second, isGiven) => {
  await using server = await TestServer.create();
  const [one, two] = [segmentName(1, 5), segmentName(1, 6)];
  if (first !== undefined) await server.write(server.archived(one), first);
  await server.write(server.archived(two), second);
  const outcome = restoreWal(server.reading, two, join(server.home, 'RECOVERYXLOG'));
  if (isGiven) expect(await outcome).toMatchObject({ kind: 'restored' });
  else
    await expect(outcome).rejects.toMatchObject({
      code: 'ERR_WAL_FILE_CORRUPT',
      message: expect.stringMatching(
        /or the segment before it is damaged: the record at 0\/5F[0-9A-F]+, which begins in/,
      ) as string,
    });
});
