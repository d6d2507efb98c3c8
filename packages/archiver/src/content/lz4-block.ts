/**
 * One block of LZ4 (doc/lz4_Block_format.md of lz4): literals, and matches with what came before them, at most 64 KiB back.
 *
 * In JavaScript, because the libraries for Node give out memory that is not given back for long, some of it never. It searches as
 * lz4's own quickest level does: one candidate for each four bytes, in ever longer steps where nothing matches.
 */

/** A match may be so far back. */
export const windowBytes = 65_535;
const leastMatch = 4;
/** The last match begins so many bytes before the end, or earlier; the last five bytes are literals. */
const lastMatchMargin = 12;
const lastLiterals = 5;
const hashBits = 14;
/** Steps grow by one byte each time that so many positions (2 to this power) had no match. */
const skipBits = 6;
/** Where a hash was last met, plus one; of one block at a time. */
const table = new Int32Array(1 << hashBits);

/** The size of a buffer in which any block of that length has room when it is compressed. */
export function compressedBound(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

/**
 * Compresses a block by itself.
 * @param target at least {@link compressedBound} bytes
 * @returns how many bytes were written to it
 */
export function compressBlock(source: Buffer, target: Buffer): number {
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  const writer = new BlockWriter(source, target);
  const lastStart = source.length - lastMatchMargin;
  table.fill(0);
  let anchor = 0;
  let misses = 1 << skipBits;
  for (let at = 0; at <= lastStart; ) {
    const word = view.getInt32(at, true);
    const slot = Math.imul(word, 0x9e_37_79_b1) >>> (32 - hashBits);
    let from = (table[slot] as number) - 1;
    table[slot] = at + 1;
    if (from < 0 || at - from > windowBytes || view.getInt32(from, true) !== word) {
      at += misses >>> skipBits;
      misses += 1;
      continue;
    }
    while (at > anchor && from > 0 && source[at - 1] === source[from - 1]) {
      at -= 1;
      from -= 1;
    }
    const length = matchLength(view, at, from);
    writer.sequence(anchor, at, at - from, length);
    at += length;
    anchor = at;
    misses = 1 << skipBits;
  }
  return writer.end(anchor);
}

/** How many bytes are the same at both places, up to where the last literals begin. */
function matchLength(view: DataView, at: number, from: number): number {
  const limit = view.byteLength - lastLiterals;
  let length = leastMatch;
  while (at + length + 4 <= limit && view.getInt32(at + length, true) === view.getInt32(from + length, true)) length += 4;
  while (at + length < limit && view.getUint8(at + length) === view.getUint8(from + length)) length += 1;
  return length;
}

/** Writes sequences: literals, then a match. */
class BlockWriter {
  readonly #source: Buffer;
  readonly #target: Buffer;
  #to = 0;

  constructor(source: Buffer, target: Buffer) {
    this.#source = source;
    this.#target = target;
  }

  sequence(from: number, to: number, offset: number, length: number): void {
    this.#literals(from, to, Math.min(length - leastMatch, 15));
    this.#target[this.#to] = offset & 0xff;
    this.#target[this.#to + 1] = offset >>> 8;
    this.#to += 2;
    if (length - leastMatch >= 15) this.#rest(length - leastMatch - 15);
  }

  /** The last literals; gives the length of all. */
  end(from: number): number {
    this.#literals(from, this.#source.length, 0);
    return this.#to;
  }

  #literals(from: number, to: number, matchCode: number): void {
    const count = to - from;
    this.#target[this.#to++] = (Math.min(count, 15) << 4) | matchCode;
    if (count >= 15) this.#rest(count - 15);
    if (count > 32) this.#source.copy(this.#target, this.#to, from, to);
    else for (let index = 0; index < count; index++) this.#target[this.#to + index] = this.#source[from + index] as number;
    this.#to += count;
  }

  #rest(value: number): void {
    let left = value;
    for (; left >= 255; left -= 255) this.#target[this.#to++] = 255;
    this.#target[this.#to++] = left;
  }
}

/**
 * Decompresses a block behind what came before it.
 * @param target holds the bytes before, up to `start`, and has room behind them
 * @returns where the content ends in it; undefined when the block is damaged, or its content has no room
 */
export function decompressBlock(source: Buffer, target: Buffer, start: number): number | undefined {
  let at = 0;
  let to = start;
  while (at < source.length) {
    const token = source[at++] as number;
    let count = token >>> 4;
    if (count === 15) {
      let more = 255;
      while (more === 255 && at < source.length) count += more = source[at++] as number;
    }
    if (at + count > source.length || to + count > target.length) return undefined;
    if (count > 32) source.copy(target, to, at, at + count);
    else for (let index = 0; index < count; index++) target[to + index] = source[at + index] as number;
    at += count;
    to += count;
    if (at === source.length) return to; // the last sequence has no match
    if (at + 2 > source.length) return undefined;
    const offset = (source[at] as number) | ((source[at + 1] as number) << 8);
    at += 2;
    let length = (token & 15) + leastMatch;
    if (length === 15 + leastMatch) {
      let more = 255;
      while (more === 255 && at < source.length) length += more = source[at++] as number;
    }
    if (offset === 0 || offset > to || to + length > target.length) return undefined;
    copyMatch(target, to, offset, length);
    to += length;
  }
  return undefined;
}

/** A match may reach into itself: then its bytes repeat. */
function copyMatch(target: Buffer, to: number, offset: number, length: number): void {
  if (offset >= length && length > 32) target.copyWithin(to, to - offset, to - offset + length);
  else if (offset === 1 && length > 32) target.fill(target[to - 1] as number, to, to + length);
  else for (let index = 0; index < length; index++) target[to + index] = target[to - offset + index] as number;
}
