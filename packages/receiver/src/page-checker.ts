/**
 * Checks the header of every WAL page as the bytes pass: that it is WAL of this cluster and of this timeline, and that
 * the page is the one that belongs at its LSN, which gives away recycled segments and mixed-up files.
 *
 * Follows XLogReaderValidatePageHeader (access/transam/xlogreader.c). A page of zeros is what follows a segment switch.
 * Only headers are looked at here, a few bytes in 8 kB, so this costs next to nothing.
 */
import {
  addToLsn,
  formatLsn,
  isPlausiblePageMagic,
  longPageHeaderSize,
  type Lsn,
  type PageHeader,
  readPageHeader,
  shortPageHeaderSize,
  type TimelineId,
  type WalSegmentSize,
} from '@walvault/wal';
import { ReceiverError } from './errors.ts';

/** What the pages of a stream must agree with. */
export interface PageFacts {
  readonly systemIdentifier: bigint;
  readonly walSegmentSize: WalSegmentSize;
  /** `wal_block_size` of the server: a power of two from 1 to 64 kB. */
  readonly walPageSize: number;
  /** The timeline that is streamed; pages before its switchpoint bear an earlier one. */
  readonly timelineId: TimelineId;
}

/** Checks one stream from its start; the pieces must come in order and without holes. */
export class PageChecker {
  readonly #facts: PageFacts;
  /** The beginning of a header whose rest comes with the next piece. */
  #cut: { readonly lsn: Lsn; readonly bytes: Buffer } | undefined;

  constructor(facts: PageFacts) {
    this.#facts = facts;
  }

  /**
   * Looks at the pages that begin in a piece. Keeps at most a few bytes of it, as a copy.
   * @throws {ReceiverError} `ERR_WAL_PAGE` with the LSN of the page, or `ERR_OTHER_CLUSTER`
   */
  check(dataStart: Lsn, data: Buffer): void {
    if (this.#cut !== undefined) this.#finishCut(this.#cut, data);
    const { walPageSize } = this.#facts;
    const intoPage = Number(dataStart & BigInt(walPageSize - 1));
    const firstPage = intoPage === 0 ? 0 : walPageSize - intoPage;
    if (firstPage >= data.length) return;
    let address = addToLsn(dataStart, firstPage);
    for (let offset = firstPage; offset < data.length; offset += walPageSize) {
      if (this.#headerSizeAt(address) > data.length - offset)
        this.#cut = { lsn: address, bytes: Buffer.from(data.subarray(offset)) };
      else this.#checkHeader(address, data, offset);
      address = addToLsn(address, walPageSize);
    }
  }

  #finishCut(cut: { readonly lsn: Lsn; readonly bytes: Buffer }, data: Buffer): void {
    const missing = this.#headerSizeAt(cut.lsn) - cut.bytes.length;
    const bytes = Buffer.concat([cut.bytes, data.subarray(0, missing)]);
    this.#cut = data.length < missing ? { lsn: cut.lsn, bytes } : undefined;
    if (this.#cut === undefined) this.#checkHeader(cut.lsn, bytes, 0);
  }

  #headerSizeAt(lsn: Lsn): number {
    return (lsn & BigInt(this.#facts.walSegmentSize - 1)) === 0n ? longPageHeaderSize : shortPageHeaderSize;
  }

  #checkHeader(lsn: Lsn, data: Buffer, offset: number): void {
    // The way of nearly every page: a plausible magic, and its own address. The rest only where it can matter.
    const isStart = this.#headerSizeAt(lsn) === longPageHeaderSize;
    const isRight = data.readBigUInt64LE(offset + 8) === lsn && isPlausiblePageMagic(data.readUInt16LE(offset));
    if (isRight && !isStart && data.readUInt32LE(offset + 4) === this.#facts.timelineId) return;
    if (!isStart && isZero(data, offset)) return;
    this.#judge(lsn, readPageHeader(data, offset));
  }

  #judge(lsn: Lsn, header: PageHeader): void {
    const { systemIdentifier, walSegmentSize, walPageSize, timelineId } = this.#facts;
    if (!isPlausiblePageMagic(header.magic))
      throw badPage(lsn, `magic number ${header.magic.toString(16).toUpperCase()} is none of PostgreSQL`);
    if (header.pageLsn !== lsn) throw badPage(lsn, `it says that it is the page at ${formatLsn(header.pageLsn)}`);
    if (header.timelineId === 0 || header.timelineId > timelineId)
      throw badPage(lsn, `it is of timeline ${header.timelineId}, not ${timelineId}`);
    const isStart = this.#headerSizeAt(lsn) === longPageHeaderSize;
    if (isStart !== (header.long !== undefined)) throw badPage(lsn, isStart ? 'it has no long header' : 'it has a long header');
    if (header.long === undefined) return;
    if (header.long.systemIdentifier !== systemIdentifier)
      throw badPage(lsn, `it is of cluster ${header.long.systemIdentifier}, not ${systemIdentifier}`);
    if (header.long.segmentSize !== walSegmentSize)
      throw badPage(lsn, `it is of a segment of ${header.long.segmentSize} bytes, not ${walSegmentSize}`);
    if (header.long.pageSize !== walPageSize)
      throw badPage(lsn, `it is of a cluster with WAL pages of ${header.long.pageSize} bytes, not ${walPageSize}`);
  }
}

function isZero(data: Buffer, offset: number): boolean {
  return data.subarray(offset, offset + shortPageHeaderSize).every((byte) => byte === 0);
}

function badPage(lsn: Lsn, problem: string): ReceiverError {
  return new ReceiverError('ERR_WAL_PAGE', `the WAL page at ${formatLsn(lsn)} is not right: ${problem}`, {
    lsn,
    hint: 'Nothing from this page on was written or acknowledged. Look at the server: its WAL is damaged on the way or on its disk (pg_waldump at this position tells more).',
  });
}
