/**
 * Segment arithmetic: how the WAL is cut into files of equal size (access/xlog_internal.h).
 *
 * The size is chosen by `initdb --wal-segsize` and is a power of two from 1 MiB to 1 GiB.
 */
import { WalFormatError } from './errors.ts';
import type { Lsn } from './lsn.ts';

declare const segmentNumberBrand: unique symbol;
declare const segmentSizeBrand: unique symbol;

/** Number of a segment (`XLogSegNo`): LSN divided by the segment size. Segment 0 never holds WAL. */
export type SegmentNumber = bigint & { readonly [segmentNumberBrand]: 'SegmentNumber' };

/** Size of a WAL segment file in bytes: a power of two from 1 MiB to 1 GiB. */
export type WalSegmentSize = number & { readonly [segmentSizeBrand]: 'WalSegmentSize' };

const mebibyte = 1024 * 1024;
const smallest = mebibyte;
const largest = 1024 * mebibyte;
const units: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: mebibyte, GB: 1024 * mebibyte };

/** The segment size that initdb takes unless told otherwise: 16 MiB. */
export const defaultWalSegmentSize: WalSegmentSize = (16 * mebibyte) as WalSegmentSize;

/** Whether a number of bytes is a segment size that PostgreSQL allows. */
export function isWalSegmentSize(bytes: number): bytes is WalSegmentSize {
  return Number.isInteger(bytes) && bytes >= smallest && bytes <= largest && (bytes & (bytes - 1)) === 0;
}

/**
 * Checks a segment size in bytes.
 * @throws {WalFormatError} `ERR_INVALID_SEGMENT_SIZE` unless it is a power of two from 1 MiB to 1 GiB.
 */
export function toWalSegmentSize(bytes: number): WalSegmentSize {
  if (!isWalSegmentSize(bytes)) throw invalidSize(`${bytes} bytes`);
  return bytes;
}

/**
 * Reads the answer to `SHOW wal_segment_size` (`16MB`, `1GB`).
 * @throws {WalFormatError} `ERR_INVALID_SEGMENT_SIZE` for any other form or size.
 */
export function parseWalSegmentSize(text: string): WalSegmentSize {
  const match = /^(\d{1,10})(B|kB|MB|GB)$/.exec(text);
  const bytes = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? Number.NaN);
  if (!isWalSegmentSize(bytes)) throw invalidSize(`"${text}"`);
  return bytes;
}

/** The segment that holds the byte at `lsn`. */
export function segmentNumberOf(lsn: Lsn, size: WalSegmentSize): SegmentNumber {
  return (lsn / BigInt(size)) as SegmentNumber;
}

/** The LSN of the first byte of a segment. */
export function segmentStartLsn(segment: SegmentNumber, size: WalSegmentSize): Lsn {
  return (segment * BigInt(size)) as Lsn;
}

/** The LSN just behind the last byte of a segment, which is the start of the next one. */
export function segmentEndLsn(segment: SegmentNumber, size: WalSegmentSize): Lsn {
  return ((segment + 1n) * BigInt(size)) as Lsn;
}

/** `lsn` rounded down to the start of its segment. */
export function roundDownToSegment(lsn: Lsn, size: WalSegmentSize): Lsn {
  return (lsn - (lsn & BigInt(size - 1))) as Lsn;
}

/** Offset in bytes of `lsn` in its segment, 0 to size-1. */
export function offsetInSegment(lsn: Lsn, size: WalSegmentSize): number {
  return Number(lsn & BigInt(size - 1));
}

/** Whether `lsn` is the first byte of a segment. */
export function isSegmentStart(lsn: Lsn, size: WalSegmentSize): boolean {
  return offsetInSegment(lsn, size) === 0;
}

/** How many segments share one value of the middle 8 digits of a file name: 2^32 / size. */
export function segmentsPerLogId(size: WalSegmentSize): bigint {
  return 0x1_0000_0000n / BigInt(size);
}

function invalidSize(what: string): WalFormatError {
  return new WalFormatError('ERR_INVALID_SEGMENT_SIZE', `invalid WAL segment size ${what}`, {
    hint: 'The WAL segment size must be a power of two between 1 MB and 1 GB.',
  });
}
