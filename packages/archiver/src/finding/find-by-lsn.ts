/**
 * Where a recovery to an LSN stops: at the first record that begins there or behind it; behind that record, or before it when
 * the target is exclusive (access/transam/xlogrecovery.c: recoveryStopsAfter, recoveryStopsBefore).
 */
import {
  addToLsn,
  defaultWalPageSize,
  longPageHeaderSize,
  type Lsn,
  lsnDistance,
  offsetInSegment,
  type SegmentNumber,
  segmentNumberOf,
  segmentStartLsn,
  shortPageHeaderSize,
  type WalChecker,
  type WalEvent,
  type WalSegmentSize,
} from '@walvault/wal';
import type { FindableWal } from './findable-wal.ts';
import type { ChainFinding } from './recovery-target.ts';
import { placeOf } from './target-place.ts';
import type { TimelineChain } from './timeline-chain.ts';

/** Searches one chain. */
export async function findByLsn(wal: FindableWal, chain: TimelineChain, lsn: Lsn, inclusive: boolean): Promise<ChainFinding> {
  const size = wal.map.walSegmentSize;
  const first = wal.firstComplete(chain);
  const own = segmentNumberOf(lsn, size);
  if (first === undefined || lsn < segmentStartLsn(first.segment, size))
    return { kind: first === undefined ? 'absent' : 'before' };
  const search = new RecordSearch(lsn, size);
  for (let segment = own; ; segment = (segment + 1n) as SegmentNumber) {
    const end = await wal.scanner.scan(chain, segment, search);
    if (end === undefined)
      return (wal.lastComplete(chain)?.segment ?? 0n) > segment
        ? { kind: 'hole', hole: wal.holeAt(chain, segment) }
        : { kind: 'beyond' };
    const { record } = search;
    if (record !== undefined) {
      const lastCommit = await wal.lastCommitBefore(chain, inclusive ? record.endLsn : record.lsn);
      return {
        kind: 'found',
        places: [placeOf(wal, chain, record, { isReplayed: inclusive, lastCommit, event: search.event(record.lsn) })],
        clockSteps: [],
      };
    }
    if (end.file.isPartial) return { kind: 'beyond' };
    if (end.fault !== undefined) return { kind: 'damaged', segmentName: end.file.name, fault: end.fault };
  }
}

/** Finds the first record that begins at an LSN or behind it, by stopping the checker there and going on in the smallest steps. */
class RecordSearch {
  readonly #lsn: Lsn;
  readonly #walSegmentSize: WalSegmentSize;
  #walPageSize = defaultWalPageSize;
  #start: Lsn | undefined;
  #end: Lsn | undefined;
  #event: WalEvent | undefined;

  constructor(lsn: Lsn, walSegmentSize: WalSegmentSize) {
    this.#lsn = lsn;
    this.#walSegmentSize = walSegmentSize;
  }

  readonly onEvent = (event: WalEvent): void => {
    if (event.lsn >= this.#lsn) this.#event ??= event;
  };

  readonly feed = (checker: WalChecker, chunk: Buffer, walPageSize: number): void => {
    this.#walPageSize = walPageSize;
    let at = this.#end === undefined ? this.#upToTarget(checker, chunk) : 0;
    // Records begin and end at multiples of 8.
    for (; at < chunk.length && this.#end === undefined; at += 8) {
      checker.check(chunk.subarray(at, at + 8));
      this.#note(checker.verifiedLsn);
    }
    if (at < chunk.length) checker.check(chunk.subarray(at));
  };

  /** The record, if it is over. */
  get record(): { readonly lsn: Lsn; readonly endLsn: Lsn } | undefined {
    if (this.#start === undefined || this.#end === undefined) return undefined;
    return { lsn: this.#behindHeader(this.#start), endLsn: this.#end };
  }

  /** The event of the record, if it is one. */
  event(lsn: Lsn): WalEvent | undefined {
    return this.#event?.lsn === lsn ? this.#event : undefined;
  }

  #upToTarget(checker: WalChecker, chunk: Buffer): number {
    const aligned = addToLsn(this.#lsn, -Number(this.#lsn & 7n));
    const length = Math.min(Math.max(lsnDistance(checker.checkedLsn, aligned), 0), chunk.length);
    if (length === 0) return 0;
    checker.check(chunk.subarray(0, length));
    this.#note(checker.verifiedLsn);
    return length;
  }

  /** Where a record begins that follows one that ends here: on a new page behind its header. */
  #behindHeader(lsn: Lsn): Lsn {
    if (Number(lsn % BigInt(this.#walPageSize)) !== 0) return lsn;
    return addToLsn(lsn, offsetInSegment(lsn, this.#walSegmentSize) === 0 ? longPageHeaderSize : shortPageHeaderSize);
  }

  #note(verifiedLsn: Lsn): void {
    if (this.#behindHeader(verifiedLsn) < this.#lsn) return;
    if (this.#start === undefined) this.#start = verifiedLsn;
    else if (verifiedLsn > this.#start) this.#end = verifiedLsn;
  }
}
