/**
 * Checks one segment as the continuation of its predecessor and, as long as it is open whether it is that, for itself as well.
 *
 * Both checks run page by page until the first record with both predecessor and CRC proven is there, mostly within a page; then one goes on alone.
 * That tells a segment that is right but does not follow from one that is bad, in one pass and at the cost of one check.
 */
import {
  encodeWalSeam,
  type Lsn,
  WalCensus,
  WalChecker,
  type WalCheckerOptions,
  type WalFault,
  type WalSeam,
} from '@walvault/wal';
import type { SegmentFacts } from './segment-facts.ts';

/** What to check, from the start of a segment. */
export type LinkedCheckOptions = Omit<WalCheckerOptions, 'seam' | 'census'> & {
  readonly walPageSize: number;
  /** Of the predecessor, at `startLsn` and for the same sizes. */
  readonly seam?: WalSeam | undefined;
};

/** A checker and what it counts. */
class Counted {
  readonly census: WalCensus = new WalCensus();
  readonly checker: WalChecker;
  fault: WalFault | undefined;

  constructor(options: WalCheckerOptions) {
    this.checker = new WalChecker({ ...options, census: this.census });
  }

  check(data: Buffer): void {
    this.fault = this.checker.check(data);
  }
}

export class LinkedCheck {
  readonly #pageSize: number;
  /** Goes on with the predecessor, until it does not fit. */
  #linked: Counted | undefined;
  /** Begins anew, until that is not needed any more. */
  #alone: Counted | undefined;
  #linkFault: WalFault | undefined;

  constructor(options: LinkedCheckOptions) {
    const { seam, ...alone } = options;
    this.#pageSize = options.walPageSize;
    if (seam !== undefined) this.#linked = new Counted(options);
    this.#alone = new Counted(alone);
  }

  /** What is wrong with the segment itself. */
  get fault(): WalFault | undefined {
    return this.#decisive.fault;
  }

  /** Up to where all is right. */
  get verifiedLsn(): Lsn {
    return this.#decisive.checker.verifiedLsn;
  }

  /** Checks the next bytes, which stay the caller's. @returns what is wrong with the segment itself */
  check(data: Buffer): WalFault | undefined {
    let at = 0;
    while (at < data.length && this.#linked !== undefined && this.#alone !== undefined) {
      const page = data.subarray(at, at + this.#pageSize);
      this.#linked.check(page);
      this.#alone.check(page);
      this.#decide(this.#linked);
      at += page.length;
    }
    if (at < data.length) this.#decisive.check(data.subarray(at));
    return this.fault;
  }

  /** What came out, for the whole segment or the part of it that was checked. */
  get result(): Pick<SegmentFacts, 'fault' | 'link' | 'linkFault' | 'verifiedLsn' | 'statistics' | 'seam'> {
    const { checker, census, fault } = this.#decisive;
    const { seam } = checker;
    return {
      fault,
      ...this.#link(fault),
      verifiedLsn: checker.verifiedLsn,
      statistics: census.statistics(),
      seam: seam && encodeWalSeam(seam),
    };
  }

  /** The one that has the say: the one that is linked, until it is given up. */
  get #decisive(): Counted {
    return (this.#linked ?? this.#alone) as Counted;
  }

  #decide(linked: Counted): void {
    if (linked.fault !== undefined) {
      this.#linkFault = linked.fault;
      this.#linked = undefined;
    } else if (!linked.census.isEmpty) {
      this.#alone = undefined;
    }
  }

  #link(fault: WalFault | undefined): Pick<SegmentFacts, 'link' | 'linkFault'> {
    if (this.#linked !== undefined) {
      const goesOnWithRecord = !this.#linked.census.isEmpty || this.#linked.checker.hasOpenRecord;
      return { link: goesOnWithRecord ? 'proven' : 'unknown' };
    }
    // What is wrong either way is no matter of the link.
    if (this.#linkFault === undefined || sameFault(this.#linkFault, fault)) return { link: 'unknown' };
    return { link: 'broken', linkFault: this.#linkFault };
  }
}

function sameFault(one: WalFault, other: WalFault | undefined): boolean {
  return one.kind === other?.kind && one.lsn === other.lsn;
}
