/**
 * Judges page headers one after the other: that they are WAL of this cluster, of this timeline or one before it, and each at
 * its own LSN, which gives away recycled segments and mixed-up files.
 *
 * Follows XLogReaderValidatePageHeader (access/transam/xlogreader.c), and is stricter in that the magic may not change from
 * one page to the next. No bigints here but where something is wrong: LSNs are two signed halves.
 */
import { formatLsn, type Lsn, lsnOfHalves } from './lsn.ts';
import { isPlausiblePageMagic, longPageHeaderSize, readPageHeader, shortPageHeaderSize } from './page-header.ts';
import type { TimelineId } from './timeline.ts';
import { anyWalFormat, type WalFormat, walFormatOf } from './wal-format.ts';
import type { WalPiece } from './wal-piece.ts';
import { differs, hex4, type WalProblem } from './wal-problem.ts';
import type { PageSeam } from './wal-seam.ts';

/** What the pages must agree with. */
export interface PageFacts {
  readonly walSegmentSize: number;
  readonly walPageSize: number;
  readonly timelineId: TimelineId;
  /** Undefined: whatever the first long header says. */
  readonly systemIdentifier?: bigint | undefined;
}

/** XLP_LONG_HEADER. */
const longFlag = 0x0002;

export class PageChecker {
  /** Bytes of the header that are still to come; 0 also before the first page. */
  missing = 0;
  /** The format of the pages so far. */
  format: WalFormat = anyWalFormat;
  readonly #facts: PageFacts;
  readonly #header = Buffer.alloc(longPageHeaderSize);
  #size = 0;
  #lsnHigh = 0;
  #lsnLow = 0;
  #systemIdentifier: bigint | undefined;
  #magic = 0;
  #timelineId = 1;

  constructor(facts: PageFacts) {
    this.#facts = facts;
    this.#systemIdentifier = facts.systemIdentifier;
  }

  /** What another checker must know to go on behind the last page. */
  get seam(): PageSeam {
    return { magic: this.#magic, timelineId: this.#timelineId, systemIdentifier: this.#systemIdentifier };
  }

  /** Goes on where another checker was. */
  resume(seam: PageSeam): void {
    if (seam.magic !== 0) this.#learnMagic(seam.magic);
    this.#timelineId = seam.timelineId;
    this.#systemIdentifier ??= seam.systemIdentifier;
  }

  /** A page begins at `at`, with a long header if it is the first one of a segment; its bytes are given to {@link take}. */
  begin(piece: WalPiece, at: number, isFirst: boolean): void {
    this.#lsnHigh = piece.highAt(at);
    this.#lsnLow = piece.lowAt(at);
    this.#size = isFirst ? longPageHeaderSize : shortPageHeaderSize;
    this.missing = this.#size;
  }

  /** Takes bytes of the header from `[at, end)` and gives the offset behind them. With none `missing` it can be judged. */
  take(piece: WalPiece, at: number, end: number): number {
    const next = Math.min(at + this.missing, end);
    piece.bytes.copy(this.#header, this.#size - this.missing, at, next);
    this.missing -= next - at;
    return next;
  }

  /** Where the page begins. */
  get lsn(): Lsn {
    return lsnOfHalves(this.#lsnHigh, this.#lsnLow);
  }

  /** Whether this is a short header of nothing but zeros. */
  get isEmpty(): boolean {
    for (let at = 0; at < this.#size; at += 4) if (this.#header.readInt32LE(at) !== 0) return false;
    return this.#size === shortPageHeaderSize;
  }

  /** xlp_info. */
  get info(): number {
    return this.#header.readUInt16LE(2);
  }

  /** xlp_rem_len. */
  get remainingLength(): number {
    return this.#header.readUInt32LE(16);
  }

  /** What is wrong with the header. What is right is what the next ones must agree with. */
  judge(): WalProblem | undefined {
    const header = this.#header;
    const isFirst = this.#size === longPageHeaderSize;
    const magic = header.readUInt16LE(0);
    if (magic !== this.#magic && !this.#learnMagic(magic)) return this.#badMagic(magic);
    if (header.readInt32LE(8) !== this.#lsnLow || header.readInt32LE(12) !== this.#lsnHigh) return this.#otherAddress();
    if ((this.info & ~this.format.infoBits) !== 0)
      return { problem: `its flags ${hex4(this.info)} are none that PostgreSQL sets`, found: hex4(this.info) };
    if (isFirst !== ((this.info & longFlag) !== 0))
      return { problem: isFirst ? 'it has no long header' : 'it has a long header', found: hex4(this.info) };
    const timelineId = header.readUInt32LE(4);
    if (timelineId === 0 || timelineId > this.#facts.timelineId)
      return differs(timelineId, this.#facts.timelineId, `it is of timeline ${timelineId}, not ${this.#facts.timelineId}`);
    if (timelineId < this.#timelineId)
      return differs(timelineId, this.#timelineId, `it is of timeline ${timelineId}, the page before of ${this.#timelineId}`);
    this.#timelineId = timelineId;
    return isFirst ? this.#problemOfLongPart() : undefined;
  }

  #learnMagic(magic: number): boolean {
    if (this.#magic !== 0 || !isPlausiblePageMagic(magic)) return false;
    this.#magic = magic;
    this.format = walFormatOf(magic);
    return true;
  }

  #badMagic(magic: number): WalProblem {
    const found = hex4(magic);
    if (this.#magic === 0 || !isPlausiblePageMagic(magic))
      return { problem: `magic number ${found} is none of PostgreSQL`, found };
    return differs(found, hex4(this.#magic), `its magic number is ${found}, that of the pages before ${hex4(this.#magic)}`);
  }

  #otherAddress(): WalProblem {
    const found = formatLsn(readPageHeader(this.#header).pageLsn);
    return differs(found, formatLsn(this.lsn), `it says that it is the page at ${found}`);
  }

  /** Once in a segment, so it may be slow. */
  #problemOfLongPart(): WalProblem | undefined {
    const { walSegmentSize, walPageSize } = this.#facts;
    const { long } = readPageHeader(this.#header);
    if (long === undefined) return { problem: 'it has no long header' };
    this.#systemIdentifier ??= long.systemIdentifier;
    const { systemIdentifier, segmentSize, pageSize } = long;
    if (systemIdentifier !== this.#systemIdentifier)
      return differs(
        systemIdentifier,
        this.#systemIdentifier,
        `it is of cluster ${systemIdentifier}, not ${this.#systemIdentifier}`,
      );
    if (segmentSize !== walSegmentSize)
      return differs(segmentSize, walSegmentSize, `it is of a segment of ${segmentSize} bytes, not ${walSegmentSize}`);
    if (pageSize !== walPageSize) return differs(pageSize, walPageSize, `its pages have ${pageSize} bytes, not ${walPageSize}`);
    return undefined;
  }
}
