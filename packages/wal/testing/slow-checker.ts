/**
 * What the checker of WAL must find, by the simplest way there is: all bytes at once, LSNs as bigints, one object a header,
 * one copy a record. The oracle of its tests.
 */
import {
  addToLsn,
  crc32c,
  formatLsn,
  longPageHeaderSize,
  type Lsn,
  majorOfPageMagic,
  offsetInSegment,
  pageFlags,
  type PageHeader,
  readPageHeader,
  shortPageHeaderSize,
  type WalCheckerOptions,
} from '../src/index.ts';

export interface SlowVerdict {
  readonly fault: { readonly kind: 'page' | 'record'; readonly lsn: Lsn } | undefined;
  readonly verifiedLsn: Lsn;
  /** `verifiedLsn` after each record. */
  readonly recordEnds: readonly Lsn[];
}

/** Sees each right record, as it is without page headers in it. */
export type OnRecord = (record: Buffer) => void;

/** Checks pages and records of known versions; `systemIdentifier` must be given. */
export function checkSlowly(bytes: Buffer, options: WalCheckerOptions, onRecord: OnRecord = () => undefined): SlowVerdict {
  const checker = new SlowChecker(bytes, options, onRecord);
  try {
    checker.run();
  } catch (error) {
    if (error instanceof Fault) return { ...checker.verdict, fault: { kind: error.kind, lsn: error.lsn } };
    if (!(error instanceof EndOfBytes)) throw error;
  }
  return checker.verdict;
}

class EndOfBytes extends Error {}

class Fault extends Error {
  readonly kind: 'page' | 'record';
  readonly lsn: Lsn;

  constructor(kind: 'page' | 'record', lsn: Lsn, problem: string) {
    super(`${kind} at ${formatLsn(lsn)}: ${problem}`);
    this.kind = kind;
    this.lsn = lsn;
  }
}

class SlowChecker {
  readonly #onRecord: OnRecord;
  readonly #bytes: Buffer;
  readonly #options: WalCheckerOptions;
  readonly #pageSize: number;
  readonly #recordEnds: Lsn[] = [];
  #at = 0;
  #verified: Lsn;
  #page: PageHeader | undefined;
  #previous: Lsn | undefined;
  #mustOverwrite = false;

  constructor(bytes: Buffer, options: WalCheckerOptions, onRecord: OnRecord) {
    this.#onRecord = onRecord;
    this.#bytes = bytes;
    this.#options = options;
    this.#pageSize = options.walPageSize ?? 8192;
    this.#verified = options.startLsn;
  }

  get verdict(): SlowVerdict {
    return { fault: undefined, verifiedLsn: this.#verified, recordEnds: this.#recordEnds };
  }

  run(): void {
    if (this.#roomOnPage === 0) this.#skipHead();
    for (;;) this.#record();
  }

  get #lsn(): Lsn {
    return addToLsn(this.#options.startLsn, this.#at);
  }

  get #roomOnPage(): number {
    const pageSize = BigInt(this.#pageSize);
    return Number((pageSize - (this.#lsn % pageSize)) % pageSize);
  }

  #skipHead(): void {
    let missing = this.#beginPage('believed');
    if (missing === 0) return;
    while (missing > 0) {
      if (this.#roomOnPage === 0 && this.#beginPage(missing) === 0) return;
      const taken = Math.min(missing, this.#roomOnPage, this.#left());
      this.#at += taken;
      missing -= taken;
    }
    this.#pass(Number((8n - (this.#lsn % 8n)) % 8n));
    this.#verified = this.#lsn;
  }

  #record(): void {
    if (this.#roomOnPage === 0) this.#beginPage(0);
    const start = this.#lsn;
    const wrong = (problem: string) => new Fault('record', start, problem);
    this.#need(4);
    const length = this.#bytes.readUInt32LE(this.#at);
    if (length < 24 || length > 1020 * 1024 * 1024) throw wrong(`length ${length}`);
    let record = Buffer.alloc(0);
    while (record.length < length) {
      if (this.#roomOnPage === 0 && this.#beginPage(length - record.length) === 0) return;
      const taken = Math.min(length - record.length, this.#roomOnPage, this.#left());
      const hadHeader = record.length >= 24;
      record = Buffer.concat([record, this.#bytes.subarray(this.#at, this.#at + taken)]);
      this.#at += taken;
      if (!hadHeader && record.length >= 24) this.#judgeHeader(record, start, wrong);
    }
    if (crc32c(record, 0, 20, crc32c(record, 24)) !== record.readUInt32LE(20)) throw wrong('checksum');
    this.#onRecord(record);
    this.#previous = start;
    this.#mustOverwrite = false;
    if (record[17] === 0 && (record[16]! & 0xf0) === 0x40) this.#tail();
    else this.#pass(-length & 7);
    this.#verified = this.#lsn;
    this.#recordEnds.push(this.#lsn);
  }

  #judgeHeader(record: Buffer, start: Lsn, wrong: (problem: string) => Fault): void {
    const major = this.#page === undefined ? 20 : (majorOfPageMagic(this.#page.magic) ?? 20);
    const rmgr = record[17]!;
    const previous = record.readBigUInt64LE(8);
    if (rmgr > (major >= 19 ? 22 : 21) && (rmgr < 128 || major < 15) && this.#page !== undefined) throw wrong(`rmgr ${rmgr}`);
    if (this.#mustOverwrite && (rmgr !== 0 || (record[16]! & 0xf0) !== 0xd0)) throw wrong('overwrites nothing');
    if (this.#previous === undefined ? previous >= this.#options.startLsn : previous !== this.#previous)
      throw wrong(`record before ${formatLsn(start)}`);
  }

  /** The rest of the segment: zeros, with headers or without. */
  #tail(): void {
    const { walSegmentSize } = this.#options;
    let page = addToLsn(this.#lsn, this.#roomOnPage === 0 ? 0 : this.#roomOnPage - this.#pageSize);
    while (offsetInSegment(this.#lsn, walSegmentSize) !== 0) {
      if (this.#roomOnPage === 0) {
        page = this.#lsn;
        this.#need(shortPageHeaderSize);
        if (this.#isZero(shortPageHeaderSize)) this.#at += shortPageHeaderSize;
        else if (this.#beginPage(0) !== 0 || this.#mustOverwrite) throw new Fault('page', page, 'in the tail');
      }
      const taken = Math.min(this.#roomOnPage, this.#left());
      if (!this.#isZero(taken)) throw new Fault('page', page, 'not empty');
      this.#at += taken;
    }
  }

  /**
   * Reads a page header and gives how many bytes of a record go on behind it: as many as are expected, or 0 where that
   * record was overwritten.
   */
  #beginPage(expected: number | 'believed'): number {
    const lsn = this.#lsn;
    const wrong = (problem: string) => new Fault('page', lsn, problem);
    const { walSegmentSize, systemIdentifier, timelineId } = this.#options;
    const isFirst = offsetInSegment(lsn, walSegmentSize) === 0;
    this.#need(isFirst ? longPageHeaderSize : shortPageHeaderSize);
    // A copy of its own size: a header that calls itself long reads zeros behind a short one.
    const header = readPageHeader(
      Buffer.concat([this.#bytes.subarray(this.#at, this.#at + (isFirst ? 40 : 24)), Buffer.alloc(16)]),
    );
    const { magic, info, long } = header;
    const major = majorOfPageMagic(magic);
    if (major === undefined || (this.#page !== undefined && this.#page.magic !== magic)) throw wrong('magic');
    if (header.pageLsn !== lsn || (info & (major >= 19 ? 0xfff8 : 0xfff0)) !== 0) throw wrong('address or flags');
    if (header.timelineId < (this.#page?.timelineId ?? 1) || header.timelineId > timelineId) throw wrong('timeline');
    if (isFirst !== (long !== undefined)) throw wrong('length of the header');
    if (isFirst && long?.systemIdentifier !== systemIdentifier) throw wrong('cluster');
    if (isFirst && (long?.segmentSize !== walSegmentSize || long.pageSize !== this.#pageSize)) throw wrong('sizes');
    const flags = pageFlags(header);
    if (flags.firstIsContinuation !== header.remainingLength > 0) throw wrong('continuation');
    if (flags.firstIsContinuation && flags.firstIsOverwriteContinuation) throw wrong('both flags');
    this.#page = header;
    this.#at += isFirst ? 40 : 24;
    if (flags.firstIsOverwriteContinuation) {
      this.#mustOverwrite = true;
      this.#verified = lsn;
      return 0;
    }
    if (expected !== 'believed' && header.remainingLength !== expected) throw wrong('rest of another record');
    return header.remainingLength;
  }

  /** The padding behind a record. */
  #pass(bytes: number): void {
    this.#need(bytes);
    this.#at += bytes;
  }

  #need(bytes: number): void {
    if (this.#bytes.length - this.#at < bytes) throw new EndOfBytes();
  }

  /** How many bytes there are; at least one. */
  #left(): number {
    this.#need(1);
    return this.#bytes.length - this.#at;
  }

  #isZero(length: number): boolean {
    return this.#bytes.subarray(this.#at, this.#at + length).every((byte) => byte === 0);
  }
}
