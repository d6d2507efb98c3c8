/**
 * A whole look at one segment, in one pass over its bytes: every page, every record, the link to its predecessor, the checksum of
 * the content, and statistics. Pure: where the bytes come from, and what becomes of the facts, is others' matter.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  addToLsn,
  decodeWalSeam,
  defaultWalPageSize,
  defaultWalSegmentSize,
  invalidLsn,
  isWalSegmentSize,
  longPageHeaderSize,
  type Lsn,
  lsnDistance,
  type PageHeader,
  readPageHeader,
  startLsnOfName,
  type WalFault,
  WalFormatError,
  type WalSeam,
  type WalSegmentSize,
} from '@walvault/wal';
import { type ClusterFacts, isWalPageSize } from '../content/check-wal-file.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import { LinkedCheck } from './linked-check.ts';
import { PageCutter } from './page-cutter.ts';
import { PartialRest, type PlacedPage } from './partial-rest.ts';
import type { SegmentFacts } from './segment-facts.ts';

/** What is known before. */
export interface InspectionOptions extends ClusterFacts {
  /** The `seam` of the segment before, see `predecessorName`. One that is damaged or of another place is as good as none. */
  readonly predecessor?: Uint8Array | undefined;
  /** False when the caller has the SHA-256 of the content by another way, and puts it into the facts: it is empty in them then. */
  readonly hash?: boolean | undefined;
}

/** Takes the content of a segment from its start, in chunks of any size, and gives the facts at its end. */
export class SegmentInspection {
  readonly #name: SegmentFileName;
  readonly #options: InspectionOptions;
  readonly #hash: Hash | undefined;
  #size = 0;
  #head: Buffer = Buffer.alloc(0);
  #check: PlacedCheck | undefined;

  constructor(name: SegmentFileName, options: InspectionOptions = {}) {
    this.#name = name;
    this.#options = options;
    this.#hash = options.hash === false ? undefined : createHash('sha256');
  }

  /** Takes the next bytes of the content. They stay the caller's. */
  take(chunk: Buffer): void {
    this.#hash?.update(chunk);
    this.#size += chunk.length;
    if (this.#check !== undefined) return this.#check.take(chunk);
    // What kind of segment it is stands in the first bytes, which may come one by one.
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    if (this.#head.length >= longPageHeaderSize) this.#begin();
    else this.#head = Buffer.from(this.#head);
  }

  /** What was found. To be called once, when all bytes were taken. */
  finish(): SegmentFacts {
    const check = this.#check ?? this.#begin();
    return { ...check.finish(this.#size), name: this.#name.name, sha256: this.#hash?.digest('hex') ?? '' };
  }

  #begin(): PlacedCheck {
    const header = this.#head.length < longPageHeaderSize ? undefined : readPageHeader(this.#head);
    const check = new PlacedCheck(this.#name, this.#options, header);
    this.#check = check;
    check.take(this.#head);
    this.#head = Buffer.alloc(0);
    return check;
  }
}

/** The check of a segment of which the first header is known. */
class PlacedCheck {
  readonly #name: SegmentFileName;
  readonly #options: InspectionOptions;
  readonly #header: PageHeader | undefined;
  readonly #walSegmentSize: WalSegmentSize;
  readonly #startLsn: Lsn | undefined;
  readonly #pages: PageCutter | undefined;
  readonly #check: LinkedCheck;
  #taken = 0;
  #rest: PartialRest | undefined;

  constructor(name: SegmentFileName, options: InspectionOptions, header: PageHeader | undefined) {
    const seam = decoded(options.predecessor);
    const { walSegmentSize, walPageSize } = sizesOf(options, header, seam);
    const startLsn = startLsnIfAny(name, walSegmentSize);
    this.#name = name;
    this.#options = options;
    this.#header = header;
    this.#walSegmentSize = walSegmentSize;
    this.#startLsn = startLsn;
    const isBefore = seam?.lsn === startLsn && seam?.walSegmentSize === walSegmentSize && seam.walPageSize === walPageSize;
    this.#check = new LinkedCheck({
      startLsn: startLsn ?? invalidLsn,
      walSegmentSize,
      walPageSize,
      timelineId: name.timelineId,
      systemIdentifier: options.systemIdentifier,
      seam: isBefore ? seam : undefined,
    });
    if (name.kind === 'partial') this.#pages = new PageCutter(startLsn ?? invalidLsn, walPageSize);
  }

  take(chunk: Buffer): void {
    // What is behind the end of a segment is none of it.
    const inside = chunk.subarray(0, Math.max(this.#walSegmentSize - this.#taken, 0));
    this.#taken += chunk.length;
    if (this.#pages === undefined) this.#check.check(inside);
    else for (const page of this.#pages.take(inside)) this.#takePage(page);
  }

  finish(size: number): Omit<SegmentFacts, 'name' | 'sha256'> {
    for (const page of this.#pages?.rest() ?? []) this.#takePage(page);
    const checked = this.#check.result;
    const fault = this.#faultOfFile(size) ?? (this.#rest?.rest === undefined ? checked.fault : undefined);
    const isGood = fault === undefined;
    return {
      timelineId: this.#name.timelineId,
      startLsn: this.#startLsn ?? invalidLsn,
      walSegmentSize: this.#walSegmentSize,
      systemIdentifier: this.#header?.long?.systemIdentifier ?? this.#options.systemIdentifier ?? 0n,
      magic: this.#header?.magic ?? 0,
      continuationBytes: this.#header?.remainingLength,
      ...checked,
      verdict: isGood ? 'good' : 'bad',
      fault,
      rest: isGood && this.#name.kind === 'partial' ? this.#restOf(checked.verifiedLsn) : undefined,
      seam: isGood && this.#name.kind === 'segment' ? checked.seam : undefined,
    };
  }

  #takePage(page: PlacedPage): void {
    if (this.#rest !== undefined) return this.#rest.take(page);
    const fault = this.#check.check(page.bytes);
    const { verifiedLsn } = this.#check;
    if (fault !== undefined) this.#rest = new PartialRest(fault, verifiedLsn, page, this.#header?.magic ?? 0);
  }

  #restOf(verifiedLsn: Lsn): SegmentFacts['rest'] {
    if (this.#rest !== undefined) return this.#rest.rest;
    return lsnDistance(this.#startLsn ?? invalidLsn, verifiedLsn) >= this.#taken ? 'nothing' : 'beginning';
  }

  /** What is wrong with the file rather than with the WAL in it. */
  #faultOfFile(size: number): WalFault | undefined {
    const startLsn = this.#startLsn;
    if (startLsn === undefined)
      return fault(invalidLsn, `no segment of ${this.#walSegmentSize} bytes is called ${this.#name.name}`);
    if (size > this.#walSegmentSize)
      return fault(addToLsn(startLsn, this.#walSegmentSize), `it lies behind the end of the segment, in a file of ${size} bytes`);
    if (size === this.#walSegmentSize || this.#name.kind === 'partial' || this.#check.fault !== undefined) return undefined;
    return fault(addToLsn(startLsn, size), `it is not there, since the file ends after ${size} of ${this.#walSegmentSize} bytes`);
  }
}

function fault(lsn: Lsn, problem: string): WalFault {
  return { kind: 'page', lsn, problem };
}

function startLsnIfAny(name: SegmentFileName, walSegmentSize: WalSegmentSize): Lsn | undefined {
  try {
    return startLsnOfName(name, walSegmentSize);
  } catch (error) {
    if (error instanceof WalFormatError) return undefined;
    throw error;
  }
}

function sizesOf(
  options: InspectionOptions,
  header: PageHeader | undefined,
  seam: WalSeam | undefined,
): { readonly walSegmentSize: WalSegmentSize; readonly walPageSize: number } {
  const named = header?.long;
  const namedSize = named !== undefined && isWalSegmentSize(named.segmentSize) ? named.segmentSize : undefined;
  const namedPageSize = named !== undefined && isWalPageSize(named.pageSize) ? named.pageSize : undefined;
  return {
    walSegmentSize: options.walSegmentSize ?? seam?.walSegmentSize ?? namedSize ?? defaultWalSegmentSize,
    walPageSize: seam?.walPageSize ?? namedPageSize ?? defaultWalPageSize,
  };
}

function decoded(seam: Uint8Array | undefined): WalSeam | undefined {
  try {
    return seam && decodeWalSeam(seam);
  } catch (error) {
    if (error instanceof WalFormatError) return undefined;
    throw error;
  }
}
