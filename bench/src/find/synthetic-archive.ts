/**
 * An archive of very many segments that costs next to no disk: all are known to the catalogue, a few in the middle are real WAL with
 * commits in it, of the others there are the names.
 */
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Catalog, type CatalogEntry, viewSegment, type WalReadOptions } from '@walvault/archiver';
import {
  addToLsn,
  defaultWalSegmentSize,
  firstTimelineId,
  type SegmentNumber,
  segmentEndLsn,
  segmentStartLsn,
  toLsn,
  walFileName,
} from '@walvault/wal';
import { buildWal, type WalItem } from '@walvault/wal/testing';

/** Where it is, and which times are in the real part of it. */
export interface SyntheticArchive {
  readonly reading: WalReadOptions;
  readonly catalogPath: string;
  /** Microseconds since 1970; between them lies the real WAL. */
  readonly from: bigint;
  readonly to: bigint;
}

const size = defaultWalSegmentSize;
const systemIdentifier = 7_711_030_578_120_921_605n;
/** A segment a minute. */
const span = 60_000_000n;
const begin = 1_780_000_000_000_000n;
const realSegments = 6;
/** From 1970 to 2000 in microseconds. */
const postgresEpoch = 946_684_800_000_000n;
const kinds = Array.from({ length: 30 }, (_, index) => ({ rmgr: index >> 1, info: index & 1 }));

/** Makes one in an empty directory. */
export async function makeSyntheticArchive(directory: string, count: number): Promise<SyntheticArchive> {
  const wals = join(directory, 'wals');
  const catalogPath = join(directory, 'walvault.sqlite');
  const reading = { directories: { wals }, systemIdentifier, walSegmentSize: size };
  const firstReal = Math.floor(count / 2);
  await writeFiles(wals, { count, firstReal });
  using catalog = Catalog.open(catalogPath);
  for (let first = 1; first <= count; first += 1000) catalog.note(numbers(first, Math.min(first + 1000, count + 1)).map(entryOf));
  for (const number of numbers(firstReal, firstReal + realSegments)) catalog.note(await realEntry(reading, number));
  return { reading, catalogPath, from: timeOf(firstReal + 1), to: timeOf(firstReal + realSegments - 1) };
}

async function writeFiles(
  wals: string,
  { count, firstReal }: { readonly count: number; readonly firstReal: number },
): Promise<void> {
  const real = realWal(firstReal);
  for (const number of numbers(1, count + 1)) {
    const name = nameOf(number);
    const directory = join(wals, name.slice(0, 16));
    if (number === 1 || number % 256 === 0) await mkdir(directory, { recursive: true });
    const at = (number - firstReal) * size;
    const isReal = number >= firstReal && number < firstReal + realSegments;
    await writeFile(join(directory, name), isReal ? real.subarray(at, at + size) : '');
    // Whoever wants to know how large segments are reads the first one.
    if (number === 1) await writeFirst(join(directory, name));
  }
}

async function writeFirst(path: string): Promise<void> {
  await writeFile(path, realWal(1).subarray(0, 8192));
  await truncate(path, size);
}

function realWal(firstReal: number): Buffer {
  const startLsn = segmentStartLsn(BigInt(firstReal) as SegmentNumber, size);
  const common = { timelineId: firstTimelineId, systemIdentifier, walSegmentSize: size, startLsn };
  const { bytes } = buildWal({ ...common, items: realItems(firstReal) });
  return bytes.subarray(0, realSegments * size);
}

/** Commits over the whole time, and much other data between them. */
function* realItems(firstReal: number): Generator<WalItem> {
  const perSegment = 200;
  const filler = Buffer.alloc(size / perSegment);
  filler.writeUInt8(254, 0); // XLR_BLOCK_ID_DATA_LONG
  filler.writeUInt32LE(filler.length - 5, 1);
  for (let index = 0; index < perSegment * realSegments; index += 1) {
    const body = Buffer.alloc(10);
    body.writeUInt8(255, 0); // XLR_BLOCK_ID_DATA_SHORT
    body.writeUInt8(8, 1);
    body.writeBigInt64LE(timeOf(firstReal) + (BigInt(index) * span) / BigInt(perSegment) - postgresEpoch, 2);
    yield { rmgr: 1, info: 0, body };
    yield { body: filler };
  }
}

async function realEntry(reading: WalReadOptions, number: number): Promise<readonly CatalogEntry[]> {
  const view = await viewSegment(reading, join(reading.directories.wals, 'none'), nameOf(number), new AbortController().signal);
  return view === undefined ? [] : [view.entry];
}

function entryOf(number: number): CatalogEntry {
  const segment = BigInt(number) as SegmentNumber;
  const startLsn = segmentStartLsn(segment, size);
  const endLsn = toLsn(segmentEndLsn(segment, size));
  const firstCommitTime = timeOf(number);
  return {
    facts: {
      name: nameOf(number),
      timelineId: firstTimelineId,
      startLsn,
      walSegmentSize: size,
      systemIdentifier,
      magic: 0xd118,
      sha256: number.toString(16).padStart(64, '0'),
      verdict: 'good',
      fault: undefined,
      link: 'proven',
      verifiedLsn: endLsn,
      statistics: {
        records: 1500,
        firstRecordLsn: addToLsn(startLsn, 40),
        endLsn,
        commits: 200,
        aborts: 1,
        firstCommitTime,
        lastCommitTime: firstCommitTime + span - 1n,
        firstXid: 1000 + number * 200,
        lastXid: 1200 + number * 200,
        rmgrs: kinds.map((kind) => ({ ...kind, count: 50, recordBytes: 4000, fpiBytes: 9000 })),
        restorePoints: [],
      },
      seam: new Uint8Array(120),
    },
    storedBytes: 4_000_000,
    compression: 'zstd',
    modifiedAt: Number(firstCommitTime / 1_000_000n),
    archivedAt: Number(firstCommitTime / 1000n),
  };
}

function timeOf(number: number): bigint {
  return begin + BigInt(number) * span;
}

function nameOf(number: number): string {
  return walFileName(firstTimelineId, BigInt(number) as SegmentNumber, size);
}

function numbers(first: number, end: number): readonly number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}
