/**
 * What lies behind the end of the WAL in a partial segment. The end shows as a fault: nothing, or nothing right, begins there. It is
 * damage and no end when a page of this place is found further on, since WAL is written in order.
 */
import { type Lsn, lsnDistance, shortPageHeaderSize, type WalFault } from '@walvault/wal';
import type { PartialRest as Rest } from './segment-facts.ts';

/** A page, or what there is of the last one. */
export interface PlacedPage {
  readonly bytes: Buffer;
  readonly lsn: Lsn;
}

export class PartialRest {
  readonly #magic: number;
  #rest: Rest;
  #isDamaged: boolean;

  /**
   * @param fault what ended the check in `page`
   * @param verifiedLsn up to where all is right
   * @param magic that of the pages before
   */
  constructor(fault: WalFault, verifiedLsn: Lsn, page: PlacedPage, magic: number) {
    this.#magic = magic;
    const from = Math.max(lsnDistance(page.lsn, fault.lsn), 0);
    this.#isDamaged = fault.kind === 'page' && this.#isOfThisPlace(page);
    if (isZero(page.bytes.subarray(from))) this.#rest = verifiedLsn < fault.lsn ? 'beginning' : 'zeros';
    else this.#rest = fault.kind === 'page' ? 'stale' : 'beginning';
  }

  /** Looks at the page behind the last one. */
  take(page: PlacedPage): void {
    if (isZero(page.bytes)) return;
    if (this.#isOfThisPlace(page)) this.#isDamaged = true;
    this.#rest = 'stale';
  }

  /** What it is; undefined when WAL goes on behind the fault. */
  get rest(): Rest | undefined {
    return this.#isDamaged ? undefined : this.#rest;
  }

  #isOfThisPlace({ bytes, lsn }: PlacedPage): boolean {
    if (bytes.length < shortPageHeaderSize) return false;
    return bytes.readUInt16LE(0) === this.#magic && bytes.readBigUInt64LE(8) === lsn;
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
