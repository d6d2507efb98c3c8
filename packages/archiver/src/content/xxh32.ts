/** xxHash, 32 bits, seed 0: the checksum in LZ4 frames (doc/xxhash_spec.md of xxHash), over content that comes in chunks. */

const prime1 = 0x9e_37_79_b1 | 0;
const prime2 = 0x85_eb_ca_77 | 0;
const prime3 = 0xc2_b2_ae_3d | 0;
const prime4 = 0x27_d4_eb_2f | 0;
const prime5 = 0x16_56_67_b1 | 0;
const stripeBytes = 16;

/** A hash on its way: {@link Xxh32.update} as often as wanted, then {@link Xxh32.digest}. */
export class Xxh32 {
  readonly #lanes = Int32Array.of(prime1 + prime2, prime2, 0, -prime1);
  #rest: Buffer = Buffer.alloc(0);
  #length = 0;

  /** Takes the next bytes, which stay the caller's. */
  update(chunk: Buffer): void {
    this.#length += chunk.length;
    let from = 0;
    if (this.#rest.length > 0) {
      from = Math.min(stripeBytes - this.#rest.length, chunk.length);
      this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, from)]);
      if (this.#rest.length < stripeBytes) return;
      this.#stripes(this.#rest, 0, 1);
    }
    const count = (chunk.length - from) >>> 4;
    this.#stripes(chunk, from, count);
    this.#rest = Buffer.from(chunk.subarray(from + count * stripeBytes));
  }

  /** The hash of all bytes so far, as an unsigned number. */
  digest(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#lanes;
    const isLong = this.#length >= stripeBytes;
    let hash = isLong ? rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18) : prime5;
    hash = (hash + this.#length) | 0;
    let at = 0;
    for (; at + 4 <= this.#rest.length; at += 4) hash = step(hash + Math.imul(this.#rest.readInt32LE(at), prime3), 17, prime4);
    for (; at < this.#rest.length; at++) hash = step(hash + Math.imul(this.#rest.readUInt8(at), prime5), 11, prime1);
    hash = Math.imul(hash ^ (hash >>> 15), prime2);
    hash = Math.imul(hash ^ (hash >>> 13), prime3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  #stripes(bytes: Buffer, from: number, count: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, count * stripeBytes);
    let [a = 0, b = 0, c = 0, d = 0] = this.#lanes;
    for (let at = 0; at < view.byteLength; at += stripeBytes) {
      a = step(a + Math.imul(view.getInt32(at, true), prime2), 13, prime1);
      b = step(b + Math.imul(view.getInt32(at + 4, true), prime2), 13, prime1);
      c = step(c + Math.imul(view.getInt32(at + 8, true), prime2), 13, prime1);
      d = step(d + Math.imul(view.getInt32(at + 12, true), prime2), 13, prime1);
    }
    this.#lanes.set([a, b, c, d]);
  }
}

function step(value: number, turn: number, factor: number): number {
  return Math.imul(rotate(value, turn), factor);
}

function rotate(value: number, turn: number): number {
  return (value << turn) | (value >>> (32 - turn));
}
