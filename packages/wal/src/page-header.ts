/**
 * WAL page headers (access/xlog_internal.h: XLogPageHeaderData, XLogLongPageHeaderData).
 *
 * Each page of XLOG_BLCKSZ bytes starts with a short header of 24 bytes; the first page of a segment has a long
 * one of 40 that also names the cluster and its sizes. Integers are in the byte order of the server; walvault
 * reads little-endian, which is every platform that PostgreSQL is packaged for today but s390x.
 *
 *   0 u16 magic   2 u16 info   4 u32 timeline   8 u64 page address   16 u32 remaining bytes of a record
 *   24 u64 system identifier   32 u32 segment size   36 u32 page size              (long header only)
 */
import { WalFormatError } from './errors.ts';
import type { Lsn } from './lsn.ts';

/** Bytes of the header of an ordinary page. */
export const shortPageHeaderSize = 24;
/** Bytes of the header of the first page of a segment. */
export const longPageHeaderSize = 40;
/** Size of a WAL page unless the server was built with another one. */
export const defaultWalPageSize = 8192;

/** What a long header adds. */
export interface LongPageHeader {
  /** System identifier of the cluster that wrote the page, 0 to 2^64-1. */
  readonly systemIdentifier: bigint;
  /** Segment size in bytes. */
  readonly segmentSize: number;
  /** Page size in bytes (XLOG_BLCKSZ). */
  readonly pageSize: number;
}

/** A page header taken apart. Nothing is checked but that the bytes are there. */
export interface PageHeader {
  readonly magic: number;
  /** Bits of xlp_info; their meaning depends on `magic`, see {@link pageFlags}. */
  readonly info: number;
  /** Timeline of the first record on the page. */
  readonly timelineId: number;
  /** LSN of the first byte of the page. */
  readonly pageLsn: Lsn;
  /** Bytes of a record from earlier pages that go on here. */
  readonly remainingLength: number;
  /** There on the first page of a segment. */
  readonly long: LongPageHeader | undefined;
}

/** The flags in xlp_info as facts. */
export interface PageFlags {
  /** The page starts with the rest of a record from the page before. */
  readonly firstIsContinuation: boolean;
  /** The header is a long one. */
  readonly isLong: boolean;
  /** A record that was cut off by a crash is given up here; its rest never comes. */
  readonly firstIsOverwriteContinuation: boolean;
}

const longFlag = 0x0002;
/** From this magic on (19devel) xlp_info has no BKP_REMOVABLE bit and the overwrite bit moved down. */
const compactFlagsMagic = 0xd11c;
const magicOfMajor: ReadonlyMap<number, number> = new Map([
  [0xd093, 9.6],
  [0xd097, 10],
  [0xd098, 11],
  [0xd101, 12],
  [0xd106, 13],
  [0xd10d, 14],
  [0xd110, 15],
  [0xd113, 16],
  [0xd116, 17],
  [0xd118, 18],
  [0xd120, 19],
  [0xd121, 20],
]);

/** The major version of PostgreSQL that writes this page magic, or undefined for one not known (newer, or not WAL). */
export function majorOfPageMagic(magic: number): number | undefined {
  return magicOfMajor.get(magic);
}

/** The page magic of a major version, or undefined for one not known. */
export function pageMagicOfMajor(major: number): number | undefined {
  for (const [magic, known] of magicOfMajor) if (known === major) return magic;
  return undefined;
}

/** Whether a number can be the magic of some PostgreSQL, known or newer: they all read D0xx or D1xx. */
export function isPlausiblePageMagic(magic: number): boolean {
  return magic >= 0xd05e && magic <= 0xd1ff;
}

/**
 * Reads the header at `offset` of `bytes`. The result holds no reference to `bytes`.
 * @throws {WalFormatError} `ERR_INVALID_PAGE_HEADER` when fewer bytes are there than the header takes.
 */
export function readPageHeader(bytes: Buffer, offset = 0): PageHeader {
  const available = bytes.length - offset;
  if (available < shortPageHeaderSize) throw tooShort(available, shortPageHeaderSize);
  const info = bytes.readUInt16LE(offset + 2);
  const isLong = (info & longFlag) !== 0;
  if (isLong && available < longPageHeaderSize) throw tooShort(available, longPageHeaderSize);
  return {
    magic: bytes.readUInt16LE(offset),
    info,
    timelineId: bytes.readUInt32LE(offset + 4),
    pageLsn: bytes.readBigUInt64LE(offset + 8) as Lsn,
    remainingLength: bytes.readUInt32LE(offset + 16),
    long: isLong ? readLongPart(bytes, offset) : undefined,
  };
}

/** The flags of a header, read as the version that wrote it meant them. */
export function pageFlags(header: PageHeader): PageFlags {
  return {
    firstIsContinuation: (header.info & 0x0001) !== 0,
    isLong: (header.info & longFlag) !== 0,
    firstIsOverwriteContinuation: (header.info & overwriteFlagOf(header.magic)) !== 0,
  };
}

/** XLP_FIRST_IS_OVERWRITE_CONTRECORD as the version with this page magic has it. */
export function overwriteFlagOf(magic: number): number {
  return magic >= compactFlagsMagic ? 0x0004 : 0x0008;
}

function readLongPart(bytes: Buffer, offset: number): LongPageHeader {
  return {
    systemIdentifier: bytes.readBigUInt64LE(offset + 24),
    segmentSize: bytes.readUInt32LE(offset + 32),
    pageSize: bytes.readUInt32LE(offset + 36),
  };
}

function tooShort(available: number, needed: number): WalFormatError {
  return new WalFormatError(
    'ERR_INVALID_PAGE_HEADER',
    `a WAL page header takes ${needed} bytes, only ${Math.max(available, 0)} are there`,
  );
}
