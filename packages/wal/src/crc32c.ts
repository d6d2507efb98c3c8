/**
 * CRC-32C (Castagnoli), the checksum of WAL records since PostgreSQL 9.5 (port/pg_crc32c.h).
 *
 * Short ranges are done here (slicing by 16), since a call into native code costs more than it saves below some
 * hundred bytes; long ones by `@node-rs/crc32`, which uses the processor's own instruction.
 */
import { crc32c as nativeCrc32c } from '@node-rs/crc32';

/** From this length on native code is quicker: measured, for ranges of buffers that lie in memory anyhow. */
export const nativeCrc32cFrom = 768;

/**
 * Sixteen tables of 256 entries behind one another: entry k*256+b moves the byte b over k more bytes of zeros. They are built when they are
 * first needed: most commands check no WAL.
 */
let tables: Int32Array | undefined;

/**
 * CRC-32C of `bytes[start, end)`, continued from `seed`: `crc32c(b, ..., crc32c(a))` is the CRC of a and b together.
 * @returns an unsigned 32-bit number; of the ASCII digits 1 to 9 it is 0xE3069283.
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  if (end - start >= nativeCrc32cFrom)
    return nativeCrc32c(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start), seed);
  return crc32cInJavaScript(bytes, start, end, seed);
}

/** The same by JavaScript alone, whatever the length; here so that the two can be held against each other. */
export function crc32cInJavaScript(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  return ~advanceCrc32c(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), start, end, ~seed) >>> 0;
}

/**
 * The inner loop: takes the bare register (the complement of a CRC; -1 to begin with) over `view[start, end)` and gives it
 * back, as signed 32-bit numbers both. For callers with a view at hand and many short ranges.
 */
export function advanceCrc32c(view: DataView, start: number, end: number, register: number): number {
  const t = (tables ??= buildTables(16));
  let crc = register;
  let at = start;
  for (const last = end - 16; at <= last; at += 16) {
    const a = crc ^ view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    crc = word(t, 12, a) ^ word(t, 8, b) ^ word(t, 4, c) ^ word(t, 0, d);
  }
  for (const last = end - 4; at <= last; at += 4) crc = word(t, 0, crc ^ view.getInt32(at, true));
  for (; at < end; at += 1) crc = (crc >>> 8) ^ entry(t, (crc ^ view.getUint8(at)) & 0xff);
  return crc;
}

/** What four bytes add that have `behind` more bytes behind them in their step. */
function word(t: Int32Array, behind: number, bytes: number): number {
  return (
    entry(t, ((behind + 3) << 8) | (bytes & 0xff)) ^
    entry(t, ((behind + 2) << 8) | ((bytes >>> 8) & 0xff)) ^
    entry(t, ((behind + 1) << 8) | ((bytes >>> 16) & 0xff)) ^
    entry(t, (behind << 8) | (bytes >>> 24))
  );
}

function buildTables(count: number): Int32Array {
  const reflectedPolynomial = 0x82f6_3b78;
  const built = new Int32Array(count * 256);
  for (let value = 0; value < 256; value += 1) {
    let crc = value;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ reflectedPolynomial : crc >>> 1;
    built[value] = crc;
  }
  for (let index = 256; index < built.length; index += 1) {
    const previous = entry(built, index - 256);
    built[index] = (previous >>> 8) ^ entry(built, previous & 0xff);
  }
  return built;
}

function entry(table: Int32Array, index: number): number {
  return table[index] as number;
}
