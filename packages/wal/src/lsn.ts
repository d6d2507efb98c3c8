/**
 * Log sequence numbers: byte positions in the write-ahead log of one cluster.
 *
 * Follows `XLogRecPtr` (access/xlogdefs.h) and `pg_lsn_in` (utils/adt/pg_lsn.c). The text form has had two
 * spellings, `%X/%X` up to PostgreSQL 18 and `%X/%08X` later, so LSNs are never compared as text.
 */
import { WalFormatError } from './errors.ts';

declare const lsnBrand: unique symbol;

/** A log sequence number: a position in bytes from the start of the WAL, 0 to 2^64-1. 0 is PostgreSQL's InvalidXLogRecPtr. */
export type Lsn = bigint & { readonly [lsnBrand]: 'Lsn' };

const maxLsn = 0xffff_ffff_ffff_ffffn;
const lsnPattern = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** The LSN that PostgreSQL takes as "no position": `0/0`. */
export const invalidLsn: Lsn = 0n as Lsn;

/**
 * Makes an LSN from a number of bytes.
 * @throws {WalFormatError} `ERR_INVALID_LSN` below 0, above 2^64-1, or not a safe integer.
 */
export function toLsn(bytes: bigint | number): Lsn {
  if (typeof bytes === 'number' && !Number.isSafeInteger(bytes)) throw invalid(String(bytes));
  const value = BigInt(bytes);
  if (value < 0n || value > maxLsn) throw invalid(String(bytes));
  return value as Lsn;
}

/**
 * Reads an LSN in either spelling (`0/3000148`, `0/03000148`).
 * @throws {WalFormatError} `ERR_INVALID_LSN` for anything else: signs, blanks, more than 8 digits, trailing text.
 */
export function parseLsn(text: string): Lsn {
  const match = lsnPattern.exec(text);
  if (match === null) throw invalid(text);
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** Writes an LSN as PostgreSQL up to 18 does (`%X/%X`), the spelling that every version and tool reads. */
export function formatLsn(lsn: Lsn): string {
  return `${hex(lsn >> 32n)}/${hex(lsn & 0xffff_ffffn)}`;
}

/** Writes an LSN as PostgreSQL 19 and later do (`%X/%08X`): texts of equal length sort like the LSNs. */
export function formatLsnPadded(lsn: Lsn): string {
  return `${hex(lsn >> 32n)}/${hex(lsn & 0xffff_ffffn).padStart(8, '0')}`;
}

/**
 * The LSN `bytes` further on (or back, if negative).
 * @throws {WalFormatError} `ERR_INVALID_LSN` when the result leaves 0 to 2^64-1.
 */
export function addToLsn(lsn: Lsn, bytes: number | bigint): Lsn {
  return toLsn(lsn + BigInt(bytes));
}

/** How many bytes `to` is ahead of `from`; negative when it is behind. Exact up to 8 PiB. */
export function lsnDistance(from: Lsn, to: Lsn): number {
  return Number(to - from);
}

/** The greater of two LSNs. */
export function maxOfLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}

/** The LSN with these halves, signed 32-bit numbers as they are read from headers. */
export function lsnOfHalves(high: number, low: number): Lsn {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) as Lsn;
}

/** The halves of an LSN, as {@link lsnOfHalves} takes them. */
export function halvesOfLsn(lsn: Lsn): [high: number, low: number] {
  return [Number(lsn >> 32n) | 0, Number(lsn & 0xffff_ffffn) | 0];
}

function hex(value: bigint): string {
  return value.toString(16).toUpperCase();
}

function invalid(text: string): WalFormatError {
  return new WalFormatError('ERR_INVALID_LSN', `invalid LSN "${text}"`, {
    hint: 'Write an LSN as two hexadecimal numbers of up to 8 digits with a slash between, for example 16/B374D848.',
  });
}
