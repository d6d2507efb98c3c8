/**
 * Where one check of WAL ends and another goes on: the record that is open there, where the last one began, and what the pages
 * agreed on. A plain value; as bytes it takes some 100 of them, and up to 1 kB more of the beginning of an open record.
 *
 *   0 u8 version  1 u8 bits  2 u16 magic  4 u32 timeline  8 u64 lsn  16 u64 verified  24 u32 segment size  28 u32 page size
 *   32 u64 system identifier  40 u64 start  48 u64 previous record  56 u32 head missing
 *   60 u32 record missing  64 i32 CRC  68 u32 bytes of record header  72 u32 bytes of record head  76 u64 start of record
 *   84 the header, the head, and u32 CRC-32C of all before
 */
import { crc32c } from './crc32c.ts';
import { WalFormatError } from './errors.ts';
import { formatLsn, type Lsn, toLsn } from './lsn.ts';
import { toWalSegmentSize, type WalSegmentSize } from './segment.ts';

/** A record that has begun and is not over. */
export interface OpenRecord {
  readonly startLsn: Lsn;
  /** Of its header what has come, 8 to 24 bytes. */
  readonly header: Uint8Array;
  /** The CRC register over what has come behind the header. */
  readonly crc: number;
  readonly missing: number;
  /** What a census keeps of it. */
  readonly head: Uint8Array;
}

/** What the check of records needs to go on. */
export interface RecordSeam {
  /** Where the first of the checkers began. */
  readonly startLsn: Lsn;
  /** Where the last right record begins. */
  readonly previousLsn: Lsn | undefined;
  readonly mustOverwrite: boolean;
  readonly record: OpenRecord | undefined;
}

/** What the check of pages needs to go on. */
export interface PageSeam {
  /** 0 when there was no page header. */
  readonly magic: number;
  readonly timelineId: number;
  readonly systemIdentifier: bigint | undefined;
}

/** What a checker needs to go on at the end of an earlier one. */
export interface WalSeam {
  /** Where it lies: between two pages. */
  readonly lsn: Lsn;
  /** `verifiedLsn` of the earlier checker. */
  readonly verifiedLsn: Lsn;
  readonly walSegmentSize: WalSegmentSize;
  readonly walPageSize: number;
  readonly page: PageSeam;
  readonly records: RecordSeam;
  /** False when the records are those of a version that this one cannot read. */
  readonly checksRecords: boolean;
  /** What has begun and is not over: the rest of a record from before the start, a record, or the unused rest of a segment. */
  readonly open: 'nothing' | 'head' | 'record' | 'tail';
  /** Bytes of the rest of a record from before the start. */
  readonly headMissing: number;
}

const version = 1;
const fixedSize = 84;
const opens = ['nothing', 'head', 'record', 'tail'] as const;
const checksRecordsBit = 0x04;
const mustOverwriteBit = 0x08;
const hasPreviousBit = 0x10;
const hasSystemIdentifierBit = 0x20;

/** Writes a seam as bytes, of which each is covered by a checksum. */
export function encodeWalSeam(seam: WalSeam): Uint8Array {
  const { page, records } = seam;
  const { record } = records;
  const header = record?.header ?? new Uint8Array();
  const head = record?.head ?? new Uint8Array();
  const bytes = Buffer.alloc(fixedSize + header.length + head.length + 4);
  bytes.writeUInt8(version, 0);
  bytes.writeUInt8(bitsOf(seam), 1);
  bytes.writeUInt16LE(page.magic, 2);
  bytes.writeUInt32LE(page.timelineId, 4);
  bytes.writeBigUInt64LE(seam.lsn, 8);
  bytes.writeBigUInt64LE(seam.verifiedLsn, 16);
  bytes.writeUInt32LE(seam.walSegmentSize, 24);
  bytes.writeUInt32LE(seam.walPageSize, 28);
  bytes.writeBigUInt64LE(page.systemIdentifier ?? 0n, 32);
  bytes.writeBigUInt64LE(records.startLsn, 40);
  bytes.writeBigUInt64LE(records.previousLsn ?? 0n, 48);
  bytes.writeUInt32LE(seam.headMissing, 56);
  bytes.writeUInt32LE(record?.missing ?? 0, 60);
  bytes.writeInt32LE(record?.crc ?? 0, 64);
  bytes.writeUInt32LE(header.length, 68);
  bytes.writeUInt32LE(head.length, 72);
  bytes.writeBigUInt64LE(record?.startLsn ?? 0n, 76);
  bytes.set(header, fixedSize);
  bytes.set(head, fixedSize + header.length);
  bytes.writeUInt32LE(crc32c(bytes, 0, bytes.length - 4), bytes.length - 4);
  return bytes;
}

/**
 * Reads what {@link encodeWalSeam} wrote. The result holds copies.
 * @throws {WalFormatError} `ERR_INVALID_WAL_SEAM` for anything else, such as that of a later version of walvault
 */
export function decodeWalSeam(encoded: Uint8Array): WalSeam {
  const bytes = Buffer.from(encoded);
  const end = bytes.length - 4;
  if (end < fixedSize || crc32c(bytes, 0, end) !== bytes.readUInt32LE(end)) throw invalid('its checksum does not match');
  if (bytes.readUInt8(0) !== version) throw invalid(`it is of version ${bytes.readUInt8(0)}, not ${version}`);
  const bits = bytes.readUInt8(1);
  const has = (bit: number): boolean => (bits & bit) !== 0;
  const open = opens[bits & 3] as WalSeam['open'];
  return {
    lsn: lsnAt(bytes, 8),
    verifiedLsn: lsnAt(bytes, 16),
    walSegmentSize: toWalSegmentSize(bytes.readUInt32LE(24)),
    walPageSize: bytes.readUInt32LE(28),
    page: {
      magic: bytes.readUInt16LE(2),
      timelineId: bytes.readUInt32LE(4),
      systemIdentifier: has(hasSystemIdentifierBit) ? bytes.readBigUInt64LE(32) : undefined,
    },
    records: {
      startLsn: lsnAt(bytes, 40),
      previousLsn: has(hasPreviousBit) ? lsnAt(bytes, 48) : undefined,
      mustOverwrite: has(mustOverwriteBit),
      record: open === 'record' ? recordIn(bytes) : undefined,
    },
    checksRecords: has(checksRecordsBit),
    open,
    headMissing: bytes.readUInt32LE(56),
  };
}

/**
 * That a seam can be gone on from with these options.
 * @throws {WalFormatError} `ERR_INVALID_WAL_SEAM`
 */
export function requireSameWal(seam: WalSeam, startLsn: Lsn, walSegmentSize: number, walPageSize: number): void {
  if (seam.lsn !== startLsn) throw invalid(`it lies at ${formatLsn(seam.lsn)}, not at ${formatLsn(startLsn)}`);
  if (seam.walSegmentSize !== walSegmentSize)
    throw invalid(`it is of segments of ${seam.walSegmentSize} bytes, not ${walSegmentSize}`);
  if (seam.walPageSize !== walPageSize) throw invalid(`it is of pages of ${seam.walPageSize} bytes, not ${walPageSize}`);
}

function bitsOf(seam: WalSeam): number {
  return (
    opens.indexOf(seam.open) |
    (seam.checksRecords ? checksRecordsBit : 0) |
    (seam.records.mustOverwrite ? mustOverwriteBit : 0) |
    (seam.records.previousLsn === undefined ? 0 : hasPreviousBit) |
    (seam.page.systemIdentifier === undefined ? 0 : hasSystemIdentifierBit)
  );
}

function recordIn(bytes: Buffer): OpenRecord {
  const headAt = fixedSize + bytes.readUInt32LE(68);
  return {
    startLsn: lsnAt(bytes, 76),
    header: bytes.subarray(fixedSize, headAt),
    crc: bytes.readInt32LE(64),
    missing: bytes.readUInt32LE(60),
    head: bytes.subarray(headAt, headAt + bytes.readUInt32LE(72)),
  };
}

function lsnAt(bytes: Buffer, at: number): Lsn {
  return toLsn(bytes.readBigUInt64LE(at));
}

function invalid(problem: string): WalFormatError {
  return new WalFormatError('ERR_INVALID_WAL_SEAM', `this is not what a check of WAL left for the next: ${problem}`, {
    hint: 'Check the WAL without it; only the link to what lies before it stays unknown then.',
  });
}
