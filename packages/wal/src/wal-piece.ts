/**
 * A piece of WAL and the LSN it begins at. LSNs of bytes in it come as two signed 32-bit halves, as they lie in page and
 * record headers, so that nothing has to be allocated to compare them.
 */
import { crc32c as nativeCrc32c } from '@node-rs/crc32';
import { advanceCrc32c, nativeCrc32cFrom } from './crc32c.ts';
import { invalidLsn, type Lsn, lsnOfHalves } from './lsn.ts';

const zeros = Buffer.alloc(65_536);

export class WalPiece {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly #high: number;
  readonly #low: number;

  constructor(bytes: Buffer, startLsn: Lsn) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#high = Number(startLsn >> 32n);
    this.#low = Number(startLsn & 0xffff_ffffn);
  }

  /** The lower half of the LSN of the byte at `at`. */
  lowAt(at: number): number {
    return (this.#low + at) | 0;
  }

  /** The upper half of the LSN of the byte at `at`. */
  highAt(at: number): number {
    return (this.#high + (this.#low + at > 0xffff_ffff ? 1 : 0)) | 0;
  }

  lsnAt(at: number): Lsn {
    return lsnOfHalves(this.highAt(at), this.lowAt(at));
  }

  /** Takes a CRC register (see {@link advanceCrc32c}) over a range of any length. */
  advanceCrc(start: number, end: number, register: number): number {
    if (end - start < nativeCrc32cFrom) return advanceCrc32c(this.view, start, end, register);
    return ~nativeCrc32c(this.bytes.subarray(start, end), ~register >>> 0);
  }

  /** Whether a range of at most a page is nothing but zeros. */
  isZero(start: number, end: number): boolean {
    return this.bytes.compare(zeros, 0, end - start, start, end) === 0;
  }
}

/** Where a record that lies whole in a piece is. One object for many records, so that none of them costs one. */
export class PlaceInPiece {
  #piece: WalPiece | undefined;
  #start = 0;
  #end = 0;

  /** @param end the offset behind the padding of the record */
  set(piece: WalPiece, start: number, end: number): this {
    this.#piece = piece;
    this.#start = start;
    this.#end = end;
    return this;
  }

  get startLsn(): Lsn {
    return this.#piece?.lsnAt(this.#start) ?? invalidLsn;
  }

  get endLsn(): Lsn {
    return this.#piece?.lsnAt(this.#end) ?? invalidLsn;
  }
}
