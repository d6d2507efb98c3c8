/** What was counted in the segments that are right. Plain, so that it can be kept. */
import type { RmgrStatistics } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';

/** Sums over segments. */
export interface VerifyCounts {
  /** Bytes of WAL, before compression. */
  readonly bytes: number;
  readonly records: number;
  readonly commits: number;
  readonly aborts: number;
  /** In order of resource manager and info, as `pg_waldump --stats=record` counts. */
  readonly rmgrs: readonly RmgrStatistics[];
  /** Magic of the pages of the last segment, which tells what the kinds of records are called; 0 before the first. */
  readonly magic: number;
}

/** Adds them up. */
export class VerifyTotals {
  #bytes = 0;
  #commits = 0;
  #aborts = 0;
  #magic = 0;
  readonly #rmgrs = new Map<number, RmgrStatistics>();

  /** @param start what was counted before */
  constructor(start?: VerifyCounts) {
    if (start !== undefined) this.addAll(start);
  }

  /** Adds what was counted elsewhere. */
  addAll({ bytes, commits, aborts, rmgrs, magic }: VerifyCounts): void {
    this.#bytes += bytes;
    this.#commits += commits;
    this.#aborts += aborts;
    this.#addKinds(rmgrs);
    if (magic !== 0) this.#magic = magic;
  }

  add({ walSegmentSize, magic, statistics }: SegmentFacts): void {
    this.#bytes += walSegmentSize;
    this.#magic = magic;
    this.#commits += statistics.commits;
    this.#aborts += statistics.aborts;
    this.#addKinds(statistics.rmgrs);
  }

  get counts(): VerifyCounts {
    const rmgrs = [...this.#rmgrs].toSorted(([a], [b]) => a - b).map(([, kind]) => kind);
    const records = rmgrs.reduce((sum, { count }) => sum + count, 0);
    return { bytes: this.#bytes, records, commits: this.#commits, aborts: this.#aborts, rmgrs, magic: this.#magic };
  }

  #addKinds(kinds: readonly RmgrStatistics[]): void {
    for (const { rmgr, info, count, recordBytes, fpiBytes } of kinds) {
      const sum = this.#rmgrs.get(rmgr * 16 + info) ?? { rmgr, info, count: 0, recordBytes: 0, fpiBytes: 0 };
      this.#rmgrs.set(rmgr * 16 + info, {
        rmgr,
        info,
        count: sum.count + count,
        recordBytes: sum.recordBytes + recordBytes,
        fpiBytes: sum.fpiBytes + fpiBytes,
      });
    }
  }
}
