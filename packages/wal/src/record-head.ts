/**
 * The beginning of a record that comes in parts, put together: its header and as much behind it as somebody wants to read. It is
 * bounded by that, not by the length of the record.
 */
import { longestRecordHead } from './record-body.ts';

export class RecordHead {
  #bytes = Buffer.alloc(longestRecordHead);
  #view = viewOf(this.#bytes);
  #kept = 0;
  #wanted = 0;

  /** A record begins with this header, and `wanted` bytes of it are to be kept. */
  begin(header: Uint8Array, wanted: number): void {
    this.#wanted = wanted;
    this.#kept = 0;
    if (this.#bytes.length > longestRecordHead) this.#replace(Buffer.alloc(longestRecordHead));
    this.add(header, 0, header.length);
  }

  /**
   * Goes on with what another one kept of a record of which `taken` bytes have passed. When that is not all of it that is wanted,
   * nobody cared there, and this one never gets whole.
   */
  resume(kept: Uint8Array, wanted: number, taken: number): void {
    this.begin(kept, kept.length === Math.min(wanted, taken) ? wanted : Number.POSITIVE_INFINITY);
  }

  /** Takes the next bytes of the record from `bytes[start, end)`, as far as they are wanted. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const count = Math.min(this.#wanted - this.#kept, end - start);
    if (count <= 0) return;
    if (this.#kept + count > this.#bytes.length) this.#grow(this.#kept + count);
    this.#bytes.set(bytes.subarray(start, start + count), this.#kept);
    this.#kept += count;
  }

  /** Whether all that is wanted is there. */
  get isWhole(): boolean {
    return this.#kept >= this.#wanted;
  }

  /** What is there, and of a record shorter than a head more behind it. Valid until the next call. */
  get view(): DataView {
    return this.#view;
  }

  /** A copy of what is kept. */
  get kept(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#kept));
  }

  #grow(needed: number): void {
    const larger = Buffer.alloc(Math.max(needed, Math.min(this.#wanted, this.#bytes.length * 4)));
    this.#bytes.copy(larger, 0, 0, this.#kept);
    this.#replace(larger);
  }

  #replace(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
