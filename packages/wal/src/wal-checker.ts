/**
 * Checks WAL as its bytes pass, cut into pieces anyhow: every page header and every record.
 *
 * Follows XLogDecodeNextRecord and XLogReaderValidatePageHeader (access/transam/xlogreader.c). What it proves about a record
 * is what recovery asks of it: its checksum, the record before it, and that its parts on later pages belong to it. What it
 * cannot prove: the rest of a record that began before the start, and bytes without a meaning (the padding behind a record,
 * the last four bytes of a page header).
 */
import { addToLsn, type Lsn } from './lsn.ts';
import { PageChecker } from './page-checker.ts';
import { defaultWalPageSize } from './page-header.ts';
import { RecordChecker } from './record-checker.ts';
import { offsetInSegment, type WalSegmentSize } from './segment.ts';
import type { TimelineId } from './timeline.ts';
import type { WalCensus } from './wal-census.ts';
import { WalPiece } from './wal-piece.ts';
import { differs, hex4, type WalProblem } from './wal-problem.ts';
import { requireSameWal, type WalSeam } from './wal-seam.ts';

/** What is wrong with WAL, and where. A plain value. */
export interface WalFault extends WalProblem {
  readonly kind: 'page' | 'record';
  /** The first byte of the page or record. */
  readonly lsn: Lsn;
  /** Which record it is, as far as its header can be read: `Heap/INSERT, 79 bytes, transaction 731`. */
  readonly record?: string | undefined;
}

export interface WalCheckerOptions {
  /** Start of a segment, or where a record begins, or a page header before one: such as the `verifiedLsn` of an earlier checker. */
  readonly startLsn: Lsn;
  readonly walSegmentSize: WalSegmentSize;
  /** The highest timeline that pages may bear; those before a switchpoint bear an earlier one. */
  readonly timelineId: TimelineId;
  /** `wal_block_size` of the server, a power of two from 1 to 64 kB; 8192 unless given. */
  readonly walPageSize?: number | undefined;
  /** Unless given, that of the first long header seen. */
  readonly systemIdentifier?: bigint | undefined;
  /** False: page headers only, and the start may be anywhere; true unless given. */
  readonly records?: boolean | undefined;
  /** Counts the records that are right. One that has a `seam` goes on with what a census of the checker before it began. */
  readonly census?: WalCensus | undefined;
  /** Where an earlier checker was, at `startLsn`: this one goes on as if it were the same one. */
  readonly seam?: WalSeam | undefined;
}

/** Checks one run of WAL from its start. Once it found a fault it stays with it. */
export class WalChecker {
  readonly #pageSize: number;
  readonly #segmentSize: WalSegmentSize;
  readonly #page: PageChecker;
  readonly #record: RecordChecker;
  readonly #census: WalCensus | undefined;
  #checksRecords: boolean;
  #checkedLsn: Lsn;
  #verifiedLsn: Lsn;
  /** The same as an offset in the piece that is being checked, as long as it lies in there; -1 otherwise. */
  #verifiedAt = -1;
  #fault: WalFault | undefined;

  #open: WalSeam['open'] = 'nothing';
  /** Bytes of a head that are still to come. */
  #headMissing = 0;
  /** Nothing was seen yet, and the start is that of a page: whatever it begins with is believed. */
  #isFirstPage: boolean;
  /** Bytes up to the end of the page and of the segment; 0 at it, until the next one is begun. */
  #roomOnPage: number;
  #roomInSegment: number;

  /** @throws {WalFormatError} `ERR_INVALID_WAL_SEAM` when the seam is that of another place or of WAL in other sizes */
  constructor(options: WalCheckerOptions) {
    const { startLsn, walSegmentSize, walPageSize = defaultWalPageSize, timelineId, systemIdentifier, seam } = options;
    const offset = offsetInSegment(startLsn, walSegmentSize);
    this.#pageSize = walPageSize;
    this.#segmentSize = walSegmentSize;
    this.#page = new PageChecker({ walSegmentSize, walPageSize, timelineId, systemIdentifier });
    this.#census = options.census;
    this.#record = new RecordChecker(seam?.records.startLsn ?? startLsn, options.census);
    this.#checksRecords = options.records ?? true;
    this.#checkedLsn = startLsn;
    this.#verifiedLsn = startLsn;
    this.#roomOnPage = -offset & (walPageSize - 1);
    this.#roomInSegment = -offset & (walSegmentSize - 1);
    this.#isFirstPage = this.#roomOnPage === 0;
    if (seam !== undefined) this.#resume(seam);
  }

  /** Just behind the last byte given to {@link check}. */
  get checkedLsn(): Lsn {
    return this.#checkedLsn;
  }

  /**
   * Up to here all is right, and another checker can begin here. It never goes back and never passes `checkedLsn`.
   *
   * It is the end, rounded up to 8 as PostgreSQL does (EndRecPtr), of the last whole record; a segment switch ends with its
   * segment, when all of that has come. The rest of a record from before the start is passed when it is over, a record that was
   * cut off when the page comes that gives it up. Without records it is `checkedLsn`, but for a page header that is not whole.
   */
  get verifiedLsn(): Lsn {
    return this.#verifiedLsn;
  }

  /** Whether a record has begun and its rest is still to come; the empty rest of a segment belongs to the switch before it. */
  get hasOpenRecord(): boolean {
    return this.#open !== 'nothing';
  }

  /**
   * What another checker must know to go on at `checkedLsn` as if it were this one. It can do so between two pages only, thus
   * at each end of a segment; undefined anywhere else, and with a fault.
   */
  get seam(): WalSeam | undefined {
    if (this.#fault !== undefined || this.#roomOnPage !== 0 || this.#isFirstPage) return undefined;
    return {
      lsn: this.#checkedLsn,
      verifiedLsn: this.#verifiedLsn,
      walSegmentSize: this.#segmentSize,
      walPageSize: this.#pageSize,
      page: this.#page.seam,
      checksRecords: this.#checksRecords,
      records: this.#record.seam(this.#open === 'record'),
      open: this.#open,
      headMissing: this.#headMissing,
    };
  }

  #resume(seam: WalSeam): void {
    requireSameWal(seam, this.#checkedLsn, this.#segmentSize, this.#pageSize);
    this.#page.resume(seam.page);
    this.#record.format = this.#page.format;
    this.#record.resume(seam.records);
    this.#checksRecords &&= seam.checksRecords;
    this.#verifiedLsn = seam.verifiedLsn;
    this.#open = seam.open;
    this.#headMissing = seam.headMissing;
    this.#isFirstPage = false;
  }

  /**
   * Checks the bytes from `checkedLsn` on. They stay the caller's; at most a header is copied.
   * @returns what is wrong, also when an earlier call has found it
   */
  check(data: Buffer): WalFault | undefined {
    const piece = new WalPiece(data, this.#checkedLsn);
    this.#verifiedAt = -1;
    for (let at = 0; at < data.length && this.#fault === undefined; ) {
      if (this.#roomOnPage === 0) this.#beginPage(piece, at);
      const isHeader = this.#page.missing > 0;
      const end = Math.min(data.length, at + this.#roomOnPage);
      const next = isHeader ? this.#takePageHeader(piece, at, end) : this.#takeContent(piece, at, end);
      this.#roomOnPage -= next - at;
      this.#roomInSegment -= next - at;
      at = next;
      if (!isHeader && this.#fault === undefined && this.#isVerifiedAt(piece, at)) this.#verifiedAt = at;
    }
    if (this.#verifiedAt >= 0) this.#verifiedLsn = piece.lsnAt(this.#verifiedAt);
    this.#checkedLsn = piece.lsnAt(data.length);
    return this.#fault;
  }

  /** Whether nothing is open at `at`. */
  #isVerifiedAt(piece: WalPiece, at: number): boolean {
    return this.#open === 'nothing' && ((piece.lowAt(at) & 7) === 0 || !this.#checksRecords);
  }

  #beginPage(piece: WalPiece, at: number): void {
    if (this.#roomInSegment === 0) this.#roomInSegment = this.#segmentSize;
    this.#roomOnPage = this.#pageSize;
    this.#page.begin(piece, at, this.#roomInSegment === this.#segmentSize);
  }

  #takePageHeader(piece: WalPiece, at: number, end: number): number {
    const next = this.#page.take(piece, at, end);
    if (this.#page.missing > 0) return next;
    const problem = this.#problemOfPage();
    if (problem !== undefined) this.#fail('page', this.#page.lsn, problem);
    this.#isFirstPage = false;
    return next;
  }

  #problemOfPage(): WalProblem | undefined {
    const page = this.#page;
    if (page.isEmpty && (this.#open === 'tail' || !this.#checksRecords)) return undefined;
    const { format } = page;
    const problem = page.judge();
    if (page.format !== format) this.#record.format = page.format;
    if (problem !== undefined || !this.#checksRecords) return problem;
    return this.#problemOfContinuation();
  }

  /** Whether a page goes on with what is open, and with nothing else. */
  #problemOfContinuation(): WalProblem | undefined {
    const { info, remainingLength, format } = this.#page;
    const continues = (info & 0x0001) !== 0;
    const overwrites = (info & format.overwriteFlag) !== 0;
    if (continues !== remainingLength > 0 || (continues && overwrites) || (overwrites && this.#open === 'tail'))
      return {
        problem: `its flags ${hex4(info)} do not go with ${remainingLength} bytes of a record from the page before`,
        found: hex4(info),
      };
    if (overwrites) return this.#giveUpOpenRecord();
    if (this.#isFirstPage && continues) {
      this.#open = 'head';
      this.#headMissing = remainingLength;
    }
    const missing = this.#open === 'record' ? this.#record.missing : this.#headMissing;
    if (remainingLength === missing) return undefined;
    const problem = `it goes on with ${remainingLength} bytes of the record before it, of which ${missing} are missing`;
    return differs(remainingLength, missing, problem);
  }

  /** A crash left the record that is open without its rest, and PostgreSQL has gone on from this page. */
  #giveUpOpenRecord(): undefined {
    this.#open = 'nothing';
    this.#headMissing = 0;
    this.#record.mustOverwrite = true;
    this.#verifiedLsn = this.#page.lsn;
    this.#verifiedAt = -1;
  }

  /** Takes what it can of one thing in `[at, end)`, a part of one page, and gives the offset behind it. */
  #takeContent(piece: WalPiece, at: number, end: number): number {
    if (!this.#checksRecords) return end;
    if (this.#open === 'record') return this.#takeRecord(piece, at, end);
    if (this.#open === 'head') return this.#takeHead(at, end);
    if (this.#open === 'tail') return this.#takeTail(piece, at, end);
    const padding = -piece.lowAt(at) & 7;
    if (padding > 0) return Math.min(at + padding, end);
    const next = this.#record.passWhole(piece, at, end);
    if (next > at) return next;
    this.#record.begin(piece, at);
    this.#open = 'record';
    return this.#takeRecord(piece, at, end);
  }

  #takeRecord(piece: WalPiece, at: number, end: number): number {
    const record = this.#record;
    const next = record.take(piece, at, end);
    if (record.problem !== undefined) this.#failRecord(record.problem);
    else if (record.missing > 0) this.#open = 'record';
    else this.#open = record.isSwitch && this.#roomInSegment > next - at ? 'tail' : 'nothing';
    if (this.#open === 'tail') this.#census?.endsAt(addToLsn(piece.lsnAt(at), this.#roomInSegment));
    return next;
  }

  #takeHead(at: number, end: number): number {
    const next = Math.min(at + this.#headMissing, end);
    this.#headMissing -= next - at;
    if (this.#headMissing === 0) this.#open = 'nothing';
    return next;
  }

  #takeTail(piece: WalPiece, at: number, end: number): number {
    if (!piece.isZero(at, end)) {
      const intoPage = BigInt(this.#pageSize - this.#roomOnPage);
      const problem = 'it is not empty, though a switch to the next segment lies before it';
      this.#fail('page', addToLsn(piece.lsnAt(at), -intoPage), { problem });
    }
    if (this.#roomInSegment === end - at) this.#open = 'nothing';
    return end;
  }

  /**
   * A version that we do not know may write records that we do not understand. As long as none was right, its records are left
   * alone rather than called wrong. A place where there is nothing is none in any version.
   */
  #failRecord(problem: WalProblem): void {
    const record = this.#record;
    if (this.#page.format.isKnown || record.hasPrevious || record.length === 0) {
      this.#fault = { kind: 'record', lsn: record.startLsn, ...problem, record: record.description };
    } else {
      this.#checksRecords = false;
      this.#open = 'nothing';
    }
  }

  #fail(kind: WalFault['kind'], lsn: Lsn, problem: WalProblem): void {
    this.#fault = { kind, lsn, ...problem };
  }
}
