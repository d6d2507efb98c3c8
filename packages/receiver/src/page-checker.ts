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
  type LongPageHeader,
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

/** XLP_LONG_HEADER in xlp_info. */
const longHeaderFlag = 0x0002;

/** Checks one stream from its start; the pieces must come in order and without holes. */
export class PageChecker {
  readonly #facts: PageFacts;
  /** The beginning of a header whose rest comes with the next piece. */
  #cut: { readonly lsn: Lsn; readonly bytes: Buffer } | undefined;

  constructor(facts: PageFacts) {
    this.#facts = facts;
  }

  /**
   * Looks at the pages that begin in a piece, and gives what is wrong with the first one that is not right: `ERR_WAL_PAGE`
   * with its LSN. Keeps at most a few bytes of the piece, as a copy.
   */
  check(dataStart: Lsn, data: Buffer): ReceiverError | undefined {
    const problem = this.#cut === undefined ? undefined : this.#finishCut(this.#cut, data);
    if (problem !== undefined) return problem;
    const { walPageSize } = this.#facts;
    const intoPage = Number(dataStart & BigInt(walPageSize - 1));
    let offset = intoPage === 0 ? 0 : walPageSize - intoPage;
    if (offset >= data.length) return undefined;
    for (let lsn = addToLsn(dataStart, offset); offset < data.length; lsn = addToLsn(lsn, walPageSize)) {
      const found = this.#checkAt(lsn, data, offset);
      if (found !== undefined) return found;
      offset += walPageSize;
    }
    return undefined;
  }

  /** The header at `offset`, or as much of it as is there. */
  #checkAt(lsn: Lsn, data: Buffer, offset: number): ReceiverError | undefined {
    if (this.#headerSizeAt(lsn) <= data.length - offset) return this.#checkHeader(lsn, data, offset);
    this.#cut = { lsn, bytes: Buffer.from(data.subarray(offset)) };
    return undefined;
  }

  #finishCut(cut: { readonly lsn: Lsn; readonly bytes: Buffer }, data: Buffer): ReceiverError | undefined {
    this.#cut = undefined;
    const missing = this.#headerSizeAt(cut.lsn) - cut.bytes.length;
    return this.#checkAt(cut.lsn, Buffer.concat([cut.bytes, data.subarray(0, missing)]), 0);
  }

  #headerSizeAt(lsn: Lsn): number {
    return (lsn & BigInt(this.#facts.walSegmentSize - 1)) === 0n ? longPageHeaderSize : shortPageHeaderSize;
  }

  #checkHeader(lsn: Lsn, data: Buffer, offset: number): ReceiverError | undefined {
    const isStart = this.#headerSizeAt(lsn) === longPageHeaderSize;
    if (!isStart && isZero(data, offset)) return undefined;
    const isLong = (data.readUInt16LE(offset + 2) & longHeaderFlag) !== 0;
    if (isStart !== isLong) return badPage(lsn, isStart ? 'it has no long header' : 'it has a long header');
    const problem = this.#problemOf(lsn, readPageHeader(data, offset));
    return problem === undefined ? undefined : badPage(lsn, problem);
  }

  /** What is wrong with a header, as it reads behind "the page at X is not right: ". */
  #problemOf(lsn: Lsn, header: PageHeader): string | undefined {
    const { timelineId } = this.#facts;
    if (!isPlausiblePageMagic(header.magic))
      return `magic number ${header.magic.toString(16).toUpperCase()} is none of PostgreSQL`;
    if (header.pageLsn !== lsn) return `it says that it is the page at ${formatLsn(header.pageLsn)}`;
    if (header.timelineId === 0 || header.timelineId > timelineId)
      return `it is of timeline ${header.timelineId}, not ${timelineId}`;
    return header.long === undefined ? undefined : this.#problemOfLong(header.long);
  }

  #problemOfLong(long: LongPageHeader): string | undefined {
    const { systemIdentifier, walSegmentSize, walPageSize } = this.#facts;
    if (long.systemIdentifier !== systemIdentifier) return `it is of cluster ${long.systemIdentifier}, not ${systemIdentifier}`;
    if (long.segmentSize !== walSegmentSize) return `it is of a segment of ${long.segmentSize} bytes, not ${walSegmentSize}`;
    if (long.pageSize !== walPageSize) return `its pages have ${long.pageSize} bytes, not ${walPageSize}`;
    return undefined;
  }
}

/** Whether a short header is all zeros. The first bytes tell most pages from one. */
function isZero(data: Buffer, offset: number): boolean {
  return data.readUInt32LE(offset) === 0 && data.subarray(offset, offset + shortPageHeaderSize).every((byte) => byte === 0);
}

function badPage(lsn: Lsn, problem: string): ReceiverError {
  return new ReceiverError('ERR_WAL_PAGE', `the WAL page at ${formatLsn(lsn)} is not right: ${problem}`, {
    lsn,
    hint: 'Nothing from this page on was written or acknowledged. Look at the server: its WAL is damaged on the way or on its disk (pg_waldump at this position tells more).',
  });
}
