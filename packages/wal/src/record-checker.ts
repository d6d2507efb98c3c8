/**
 * Checks records one behind the other: their headers, that each names the one before it, and their CRC.
 *
 * Follows ValidXLogRecordHeader and ValidXLogRecord (access/transam/xlogreader.c); the header is
 *   0 u32 length   4 u32 transaction   8 u64 record before   16 u8 info   17 u8 resource manager   20 u32 CRC
 * and the CRC is that of the bytes from 24 on and then of those from 0 to 20.
 *
 * Two ways do the same. Records that lie whole in one page of one piece, as small ones nearly always do, are passed in a loop
 * that keeps everything in local numbers. Whatever that loop does not take, be it wrong, long, cut or special, is taken apart
 * slowly, with all that is to be said about it.
 */
import { advanceCrc32c, nativeCrc32cFrom } from './crc32c.ts';
import { formatLsn, halvesOfLsn, invalidLsn, type Lsn, lsnOfHalves } from './lsn.ts';
import { RecordHead } from './record-head.ts';
import { recordTypeName, rmgrName } from './rmgr-names.ts';
import { WalCensus } from './wal-census.ts';
import { anyWalFormat, type WalFormat } from './wal-format.ts';
import { PlaceInPiece, type WalPiece } from './wal-piece.ts';
import { differs, hex8, type WalProblem } from './wal-problem.ts';
import type { OpenRecord, RecordSeam } from './wal-seam.ts';

/** Bytes of the header of a record. */
const recordHeaderSize = 24;
/** The CRC does not cover itself. */
const crcOffset = 20;
const xlogRmgr = 0;
const xactRmgr = 1;
const switchInfo = 0x40;
const overwriteContrecordInfo = 0xd0;

export class RecordChecker {
  /** What is wrong with the record that was taken last. */
  problem: WalProblem | undefined;
  /** Bytes of the record that are still to come. */
  missing = 0;
  /** The next record must say which one was cut off (XLOG_OVERWRITE_CONTRECORD). */
  mustOverwrite = false;

  /** Before this point began the record before the first one. */
  readonly #startLsn: Lsn;
  readonly #census: WalCensus | undefined;
  readonly #place = new PlaceInPiece();
  readonly #head = new RecordHead();
  readonly #header = Buffer.alloc(recordHeaderSize);
  #format = anyWalFormat;
  readonly #isOrdinary = new Uint8Array(256);
  #taken = 0;
  #crc = -1;
  #startHigh = 0;
  #startLow = 0;
  #endHigh = 0;
  #endLow = 0;
  /** Whether there was a right record yet, and where the last one began. */
  #hasPrevious = false;
  #previousHigh = 0;
  #previousLow = 0;

  constructor(startLsn: Lsn, census?: WalCensus) {
    this.#startLsn = startLsn;
    this.#census = census;
    this.format = anyWalFormat;
  }

  set format(format: WalFormat) {
    this.#format = format;
    if (this.#census !== undefined) this.#census.format = format;
    // Records of XLOG are the special ones.
    for (let rmgr = xlogRmgr + 1; rmgr < 256; rmgr += 1) this.#isOrdinary[rmgr] = format.hasRmgr(rmgr) ? 1 : 0;
  }

  /** Whether a record was right. */
  get hasPrevious(): boolean {
    return this.#hasPrevious;
  }

  /** Where the record that was begun last begins. */
  get startLsn(): Lsn {
    return lsnOfHalves(this.#startHigh, this.#startLow);
  }

  /** Just behind the record that was finished last, rounded up to 8. */
  get endLsn(): Lsn {
    return lsnOfHalves(this.#endHigh, this.#endLow);
  }

  /** Whether the record that was taken last switches to the next segment. */
  get isSwitch(): boolean {
    return this.#isXlog(switchInfo);
  }

  /** Length of the record, 0 where nothing was ever written. */
  get length(): number {
    return this.#header.readUInt32LE(0);
  }

  /** Which record it is, if its header is one: `Heap/INSERT, 79 bytes, transaction 731`. */
  get description(): string | undefined {
    if (this.#problemOfLength() !== undefined) return undefined;
    const rmgr = this.#header.readUInt8(17);
    const type = recordTypeName(rmgr, (this.#header.readUInt8(16) >> 4) & (rmgr === xactRmgr ? 7 : 15), this.#format.magic);
    return `${rmgrName(rmgr)}/${type}, ${this.length} bytes, transaction ${this.#header.readUInt32LE(4)}`;
  }

  /**
   * Passes right, short, ordinary records that lie whole in `[at, end)`, a part of one page that begins where a record does.
   * Gives the offset behind the last one; what is there is for {@link begin} and {@link take}.
   */
  passWhole(piece: WalPiece, at: number, end: number): number {
    if (!this.#hasPrevious || this.mustOverwrite) return at;
    const { view } = piece;
    const isOrdinary = this.#isOrdinary;
    const census = this.#census;
    const place = this.#place;
    const high = piece.highAt(at);
    const low = piece.lowAt(at);
    let previousHigh = this.#previousHigh;
    let previousLow = this.#previousLow;
    let record = at;
    while (record + recordHeaderSize <= end) {
      const length = view.getInt32(record, true);
      const next = record + ((length + 7) & ~7);
      if (length < recordHeaderSize || length >= nativeCrc32cFrom || next > end) break;
      if (view.getInt32(record + 8, true) !== previousLow || view.getInt32(record + 12, true) !== previousHigh) break;
      if (isOrdinary[view.getUint8(record + 17)] === 0) break;
      const body = advanceCrc32c(view, record + recordHeaderSize, record + length, -1);
      const crc = ~advanceCrc32c(view, record, record + crcOffset, body);
      if (crc !== view.getInt32(record + crcOffset, true)) break;
      if (census !== undefined) census.count(view, record, length, place.set(piece, record, next));
      previousHigh = high;
      previousLow = (low + record - at) | 0;
      record = next;
    }
    this.#previousHigh = previousHigh;
    this.#previousLow = previousLow;
    if (record > at) census?.passed(high, low, piece.highAt(record), piece.lowAt(record));
    return record;
  }

  /** A record begins at `at`; its bytes are given to {@link take}. */
  begin(piece: WalPiece, at: number): void {
    this.#startHigh = piece.highAt(at);
    this.#startLow = piece.lowAt(at);
    this.#taken = 0;
    this.#crc = -1;
    this.missing = recordHeaderSize;
  }

  /** Takes bytes of the record from `[at, end)` and gives the offset behind them. With none `missing` it is whole and right, or has a problem. */
  take(piece: WalPiece, at: number, end: number): number {
    if (this.#taken < recordHeaderSize) return this.#takeHeader(piece, at, end);
    const next = Math.min(at + this.missing, end);
    this.#crc = piece.advanceCrc(at, next, this.#crc);
    if (this.#census !== undefined) this.#head.add(piece.bytes, at, next);
    this.missing -= next - at;
    if (this.missing === 0) this.#finish(piece, next);
    return next;
  }

  /** What another checker must know to go on behind the bytes that were taken, in the middle of a record or not. */
  seam(isOpen: boolean): RecordSeam {
    return {
      startLsn: this.#startLsn,
      previousLsn: this.#hasPrevious ? lsnOfHalves(this.#previousHigh, this.#previousLow) : undefined,
      mustOverwrite: this.mustOverwrite,
      record: isOpen ? this.#openRecord() : undefined,
    };
  }

  /** Goes on where another checker was. */
  resume({ previousLsn, mustOverwrite, record }: RecordSeam): void {
    this.mustOverwrite = mustOverwrite;
    this.#hasPrevious = previousLsn !== undefined;
    [this.#previousHigh, this.#previousLow] = halvesOfLsn(previousLsn ?? invalidLsn);
    if (record === undefined) return;
    [this.#startHigh, this.#startLow] = halvesOfLsn(record.startLsn);
    this.#header.set(record.header);
    this.#taken = record.header.length;
    this.#crc = record.crc;
    this.missing = record.missing;
    if (this.#taken === recordHeaderSize) this.#head.resume(record.head, this.#wantedHead(), this.length - this.missing);
  }

  #openRecord(): OpenRecord {
    return {
      startLsn: this.startLsn,
      header: Buffer.from(this.#header.subarray(0, this.#taken)),
      crc: this.#crc,
      missing: this.missing,
      head: this.#census === undefined || this.#taken < recordHeaderSize ? Buffer.alloc(0) : this.#head.kept,
    };
  }

  #takeHeader(piece: WalPiece, at: number, end: number): number {
    const next = Math.min(at + recordHeaderSize - this.#taken, end);
    this.#taken += piece.bytes.copy(this.#header, this.#taken, at, next);
    if (this.#taken < 4) return next;
    this.problem = this.#problemOfLength();
    this.missing = this.length - this.#taken;
    if (this.#taken < recordHeaderSize || this.problem !== undefined) return next;
    this.problem = this.#problemOfHeader();
    if (this.problem !== undefined) return next;
    if (this.#census !== undefined) this.#head.begin(this.#header, this.#wantedHead());
    if (this.missing === 0) this.#finish(piece, next);
    return next;
  }

  #wantedHead(): number {
    return WalCensus.wanted(this.#header.readUInt8(17), this.#header.readUInt8(16), this.length);
  }

  #problemOfLength(): WalProblem | undefined {
    if (this.length === 0) return { problem: 'none begins there' };
    if (this.length >= recordHeaderSize && this.length <= this.#format.largestRecord) return undefined;
    return { problem: `no record has a length of ${this.length} bytes`, found: String(this.length) };
  }

  #problemOfHeader(): WalProblem | undefined {
    const rmgr = this.#header.readUInt8(17);
    if (!this.#format.hasRmgr(rmgr)) return { problem: `there is no resource manager ${rmgr}`, found: String(rmgr) };
    if (this.mustOverwrite && !this.#isXlog(overwriteContrecordInfo))
      return { problem: 'its page gives up a record that was cut off, but it does not say which' };
    if (this.#followsPrevious()) return undefined;
    const found = formatLsn(lsnOfHalves(this.#header.readInt32LE(12), this.#header.readInt32LE(8)));
    const previous = formatLsn(lsnOfHalves(this.#previousHigh, this.#previousLow));
    const saying = `it says that the record before it is at ${found}, but it`;
    if (this.#hasPrevious) return differs(found, previous, `${saying} is at ${previous}`);
    return { problem: `${saying} began before ${formatLsn(this.#startLsn)}`, found };
  }

  #followsPrevious(): boolean {
    const low = this.#header.readInt32LE(8);
    const high = this.#header.readInt32LE(12);
    if (this.#hasPrevious) return low === this.#previousLow && high === this.#previousHigh;
    return lsnOfHalves(high, low) < this.#startLsn;
  }

  #finish(piece: WalPiece, at: number): void {
    const crc = ~advanceCrc32c(viewOf(this.#header), 0, crcOffset, this.#crc);
    const named = this.#header.readInt32LE(crcOffset);
    if (crc !== named) {
      this.problem = differs(hex8(crc), hex8(named), 'its checksum does not match');
      return;
    }
    this.mustOverwrite = false;
    this.#hasPrevious = true;
    this.#previousHigh = this.#startHigh;
    this.#previousLow = this.#startLow;
    if (this.#census !== undefined && this.#head.isWhole) this.#count(this.#census, piece, at);
  }

  #count(census: WalCensus, piece: WalPiece, at: number): void {
    const end = at + (-piece.lowAt(at) & 7);
    this.#endHigh = piece.highAt(end);
    this.#endLow = piece.lowAt(end);
    census.count(this.#head.view, 0, this.length, this);
    census.passed(this.#startHigh, this.#startLow, this.#endHigh, this.#endLow);
  }

  #isXlog(info: number): boolean {
    return this.#header.readUInt8(17) === xlogRmgr && (this.#header.readUInt8(16) & 0xf0) === info;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
