/**
 * CRC-32C (Castagnoli), the checksum of WAL records since PostgreSQL 9.5 (port/pg_crc32c.h).
 *
 * Short ranges are done here (slicing by 8), since a call into native code costs more than it saves below about
 * 200 bytes; long ones by `@node-rs/crc32`, which uses the processor's own instruction.
 */
import { crc32c as nativeCrc32c } from '@node-rs/crc32';

const nativeFrom = 200;
const tables = buildTables();

/**
 * CRC-32C of `bytes[start, end)`, continued from `seed`: `crc32c(b, ..., crc32c(a))` is the CRC of a and b together.
 * @returns an unsigned 32-bit number; of the ASCII digits 1 to 9 it is 0xE3069283.
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  if (end - start >= nativeFrom) return nativeCrc32c(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start), seed);
  return crc32cInJavaScript(bytes, start, end, seed);
}

/** The same by JavaScript alone, whatever the length; here so that the two can be held against each other. */
export function crc32cInJavaScript(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~seed;
  let at = start;
  for (const last = end - 7; at < last; at += 8) {
    const low = crc ^ (byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24));
    crc =
      entry(t7, low & 0xff) ^
      entry(t6, (low >>> 8) & 0xff) ^
      entry(t5, (low >>> 16) & 0xff) ^
      entry(t4, low >>> 24) ^
      entry(t3, byte(bytes, at + 4)) ^
      entry(t2, byte(bytes, at + 5)) ^
      entry(t1, byte(bytes, at + 6)) ^
      entry(t0, byte(bytes, at + 7));
  }
  for (; at < end; at += 1) crc = (crc >>> 8) ^ entry(t0, (crc ^ byte(bytes, at)) & 0xff);
  return ~crc >>> 0;
}

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function buildTables(): Tables {
  const reflectedPolynomial = 0x82f6_3b78;
  const built = Array.from({ length: 8 }, () => new Int32Array(256)) as unknown as Tables;
  for (let value = 0; value < 256; value += 1) {
    let crc = value;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ reflectedPolynomial : crc >>> 1;
    built[0][value] = crc;
  }
  for (let value = 0; value < 256; value += 1) {
    for (let table = 1; table < 8; table += 1) {
      const previous = entry(built[table - 1] as Int32Array, value);
      (built[table] as Int32Array)[value] = (previous >>> 8) ^ entry(built[0], previous & 0xff);
    }
  }
  return built;
}

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function entry(table: Int32Array, index: number): number {
  return table[index] as number;
}
