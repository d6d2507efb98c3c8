/**
 * Lays records out into pages and segments as PostgreSQL does (access/transam/xlog.c: CopyXLogRecordToWAL,
 * AdvanceXLInsertBuffer), with all that makes WAL hard to read: records over pages and segments, segment switches, records
 * that a crash cut off, and changes of timeline.
 */
import {
  addToLsn,
  crc32c,
  defaultWalPageSize,
  longPageHeaderSize,
  type Lsn,
  offsetInSegment,
  pageMagicOfMajor,
  shortPageHeaderSize,
  type TimelineId,
  type WalSegmentSize,
} from '../src/index.ts';

/** One thing to lay out. */
export type WalItem =
  /** A record; without rmgr and info it is one of Heap. */
  | { readonly kind?: 'record'; readonly body: Uint8Array; readonly rmgr?: number; readonly info?: number; readonly xid?: number }
  /** XLOG_SWITCH: the rest of the segment is unused. */
  | { readonly kind: 'switch' }
  /**
   * A record of which a crash left nothing behind its first `pages` pages (at least 1), and the record that says so. The body
   * must reach beyond them.
   */
  | { readonly kind: 'cutOff'; readonly body: Uint8Array; readonly pages: number }
  /** The pages from the next one on are of this timeline. */
  | { readonly kind: 'timeline'; readonly timelineId: TimelineId };

export interface BuildWalOptions {
  /** A multiple of 8, not inside a page header. */
  readonly startLsn: Lsn;
  readonly timelineId: TimelineId;
  readonly systemIdentifier: bigint;
  readonly walSegmentSize: WalSegmentSize;
  readonly items: Iterable<WalItem>;
  /** The version whose page magic and habits are followed, 10 or later; 18 unless given. */
  readonly major?: number | undefined;
  readonly walPageSize?: number | undefined;
  /** xl_prev of the first record; 40 bytes before `startLsn` unless given. */
  readonly previousLsn?: Lsn | undefined;
  /** Begins with this many bytes of a record from before `startLsn`, which must be the start of a page. */
  readonly continuationLength?: number | undefined;
  /**
   * What stands where nothing has a meaning that could be checked: in the rest of a record from before the start, in the padding
   * behind records and in page headers, and in the flag XLP_BKP_REMOVABLE (set unless 0). 0 unless given.
   */
  readonly filler?: number | undefined;
}

/** Where a record lies. */
export interface BuiltRecord {
  readonly startLsn: Lsn;
  /** Just behind its last byte, rounded up to 8, as PostgreSQL's EndRecPtr. */
  readonly endLsn: Lsn;
}

export interface BuiltWal {
  /** From `startLsn` to `endLsn`. */
  readonly bytes: Buffer;
  readonly startLsn: Lsn;
  readonly endLsn: Lsn;
  /** The whole records, in order; none for what was cut off. A switch ends with its segment. */
  readonly records: readonly BuiltRecord[];
}

/** Lays out items one behind the other. The bytes end with the last item, in the middle of a page as likely as not. */
export function buildWal(options: BuildWalOptions): BuiltWal {
  const layout = new Layout(options);
  layout.continuation(options.continuationLength ?? 0);
  for (const item of options.items) {
    if (item.kind === 'switch') layout.segmentSwitch();
    else if (item.kind === 'cutOff') layout.cutOff(item.body, item.pages);
    else if (item.kind === 'timeline') layout.timelineId = item.timelineId;
    else layout.record(item.body, item.rmgr ?? 10, item.info ?? 0, item.xid);
  }
  return layout.result();
}

const recordHeaderSize = 24;
const xlogRmgr = 0;
const switchInfo = 0x40;
const overwriteContrecordInfo = 0xd0;

class Layout {
  readonly #options: BuildWalOptions;
  readonly #pageSize: number;
  readonly #major: number;
  readonly #filler: number;
  readonly #records: BuiltRecord[] = [];
  #bytes: Buffer = Buffer.alloc(1 << 16);
  #length = 0;
  #previous: Lsn;
  /** The next page is where a record that was cut off would have gone on. */
  #overwrites = false;
  timelineId: TimelineId;

  constructor(options: BuildWalOptions) {
    this.#options = options;
    this.#pageSize = options.walPageSize ?? defaultWalPageSize;
    this.#major = options.major ?? 18;
    this.#filler = options.filler ?? 0;
    this.#previous = options.previousLsn ?? addToLsn(options.startLsn, -40);
    this.timelineId = options.timelineId;
  }

  result(): BuiltWal {
    const { startLsn } = this.#options;
    return { bytes: this.#bytes.subarray(0, this.#length), startLsn, endLsn: this.#lsn, records: this.#records };
  }

  /** The rest of a record that began before, which nobody can check. */
  continuation(length: number): void {
    if (length > 0) this.#put(Buffer.alloc(length, this.#filler));
    this.#align();
  }

  record(body: Uint8Array, rmgr: number, info: number, xid?: number): void {
    const startLsn = this.#beginRecord();
    this.#put(this.#recordBytes(body, rmgr, info, xid));
    this.#align();
    this.#endRecord(startLsn);
  }

  segmentSwitch(): void {
    const startLsn = this.#beginRecord();
    this.#put(this.#recordBytes(Buffer.alloc(0), xlogRmgr, switchInfo));
    while (offsetInSegment(this.#lsn, this.#options.walSegmentSize) !== 0) {
      if (this.#roomOnPage === this.#pageSize && this.#major <= 10) this.#beginPage(0);
      this.#append(Buffer.alloc(this.#roomOnPage));
    }
    this.#endRecord(startLsn);
  }

  cutOff(body: Uint8Array, pages: number): void {
    const startLsn = this.#beginRecord();
    const bytes = this.#recordBytes(body, 10, 0);
    const written = this.#put(bytes, pages);
    if (written === bytes.length) throw new Error(`a record of ${bytes.length} bytes does not reach beyond ${pages} pages`);
    this.#overwrites = true;
    const overwritten = Buffer.alloc(18);
    overwritten.writeUInt8(255, 0); // XLR_BLOCK_ID_DATA_SHORT
    overwritten.writeUInt8(16, 1);
    overwritten.writeBigUInt64LE(startLsn, 2);
    this.record(overwritten, xlogRmgr, overwriteContrecordInfo);
  }

  get #lsn(): Lsn {
    return addToLsn(this.#options.startLsn, this.#length);
  }

  /** Bytes up to the end of the page: all of a page at its start. */
  get #roomOnPage(): number {
    return this.#pageSize - Number(this.#lsn % BigInt(this.#pageSize));
  }

  #beginRecord(): Lsn {
    if (this.#roomOnPage === this.#pageSize) this.#beginPage(0);
    return this.#lsn;
  }

  #endRecord(startLsn: Lsn): void {
    this.#records.push({ startLsn, endLsn: this.#lsn });
    this.#previous = startLsn;
  }

  #recordBytes(body: Uint8Array, rmgr: number, info: number, xid = 731): Buffer {
    const bytes = Buffer.alloc(recordHeaderSize + body.length);
    bytes.writeUInt32LE(bytes.length, 0);
    bytes.writeUInt32LE(xid, 4);
    bytes.writeBigUInt64LE(this.#previous, 8);
    bytes.writeUInt8(info, 16);
    bytes.writeUInt8(rmgr, 17);
    bytes.set(body, recordHeaderSize);
    bytes.writeUInt32LE(crc32c(bytes, 0, 20, crc32c(bytes, recordHeaderSize)), 20);
    return bytes;
  }

  /** Writes the bytes of one record, going on over page after page. Gives how many fit on `pages` pages. */
  #put(bytes: Uint8Array, pages = Number.POSITIVE_INFINITY): number {
    let at = 0;
    for (let page = 0; at < bytes.length && page < pages; page += 1) {
      if (this.#roomOnPage === this.#pageSize) this.#beginPage(bytes.length - at);
      const part = bytes.subarray(at, at + this.#roomOnPage);
      this.#append(part);
      at += part.length;
    }
    return at;
  }

  #beginPage(remaining: number): void {
    const lsn = this.#lsn;
    const { walSegmentSize, systemIdentifier } = this.#options;
    const isLong = offsetInSegment(lsn, walSegmentSize) === 0;
    const overwriteFlag = this.#major >= 19 ? 0x0004 : 0x0008;
    const removableFlag = this.#major >= 19 || this.#filler === 0 ? 0 : 0x0004;
    const flags = (remaining > 0 ? 1 : 0) | (isLong ? 2 : 0) | (this.#overwrites ? overwriteFlag : 0) | removableFlag;
    const header = Buffer.alloc(isLong ? longPageHeaderSize : shortPageHeaderSize);
    header.writeUInt16LE(pageMagicOfMajor(this.#major) ?? 0, 0);
    header.writeUInt16LE(flags, 2);
    header.writeUInt32LE(this.timelineId, 4);
    header.writeBigUInt64LE(lsn, 8);
    header.writeUInt32LE(remaining, 16);
    header.fill(this.#filler, 20, 24);
    if (isLong) {
      header.writeBigUInt64LE(systemIdentifier, 24);
      header.writeUInt32LE(walSegmentSize, 32);
      header.writeUInt32LE(this.#pageSize, 36);
    }
    this.#overwrites = false;
    this.#append(header);
  }

  #align(): void {
    this.#append(Buffer.alloc(-this.#length & 7, this.#filler));
  }

  #append(bytes: Uint8Array): void {
    const end = this.#length + bytes.length;
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], Math.max(end, this.#bytes.length * 2));
    this.#bytes.set(bytes, this.#length);
    this.#length = end;
  }
}
