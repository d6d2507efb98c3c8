/**
 * What is in which segment: from the catalogue, and for the segments that it misses from reading them. Those are noted in a
 * catalogue in memory, so that both answer alike.
 */
import type { RestorePoint, SegmentNumber } from '@walvault/wal';
import { Catalog, type CatalogEntry } from '../catalog/catalog.ts';
import { CatalogSearch, type FoundRestorePoint, type SegmentRange } from '../catalog/catalog-search.ts';
import type { MappedSegment } from './wal-map.ts';

/** Answers about segments. All may throw a CatalogError. */
export class SegmentIndex implements Disposable {
  readonly #own = Catalog.inMemory();
  readonly #searches: readonly CatalogSearch[];
  readonly #known: Set<string>;

  /** @param catalog stays the caller's */
  constructor(catalog: Catalog | undefined) {
    const catalogs = catalog === undefined ? [this.#own] : [catalog, this.#own];
    this.#searches = catalogs.map((one) => new CatalogSearch(one));
    this.#known = new Set(catalog?.names());
  }

  /** The segments of which nothing is known yet. */
  unknown(segments: readonly MappedSegment[]): readonly MappedSegment[] {
    return segments.filter(({ name }) => !this.#known.has(name));
  }

  /** Adds what was found by reading. */
  note(entry: CatalogEntry): void {
    this.#own.note([entry]);
    this.#known.add(entry.facts.name);
  }

  /** Notes that a segment cannot tell anything. */
  noteUnreadable(name: string): void {
    this.#known.add(name);
  }

  /** What the check of the successor of a segment that was read begins with. */
  seamOf(name: string): Uint8Array | undefined {
    return this.#own.seamOf(name);
  }

  firstCommittedAfter(range: SegmentRange, time: bigint): SegmentNumber | undefined {
    return least(this.#searches.map((search) => search.firstCommittedAfter(range, time)));
  }

  firstCommittedBefore(range: SegmentRange, time: bigint): SegmentNumber | undefined {
    return least(this.#searches.map((search) => search.firstCommittedBefore(range, time)));
  }

  lastCommitted(range: SegmentRange): SegmentNumber | undefined {
    return sorted(this.#searches.map((search) => search.lastCommitted(range))).at(-1);
  }

  commitTimes(range: SegmentRange): { readonly first: bigint; readonly last: bigint } | undefined {
    const times = this.#searches.map((search) => search.commitTimes(range)).filter((found) => found !== undefined);
    const [one, other] = times;
    if (one === undefined || other === undefined) return one;
    return { first: one.first < other.first ? one.first : other.first, last: one.last > other.last ? one.last : other.last };
  }

  withEndsOfTransactions(range: SegmentRange): readonly SegmentNumber[] {
    return sorted(this.#searches.flatMap((search) => search.withEndsOfTransactions(range)));
  }

  withTransaction(range: SegmentRange, xid: number): readonly SegmentNumber[] {
    return sorted(this.#searches.flatMap((search) => search.withTransaction(range, xid)));
  }

  faulty(range: SegmentRange): readonly SegmentNumber[] {
    return sorted(this.#searches.flatMap((search) => search.faulty(range)));
  }

  /** In order of LSN. */
  restorePoints(name?: string): readonly FoundRestorePoint[] {
    return this.#searches.flatMap((search) => search.restorePoints(name)).toSorted(byLsn);
  }

  [Symbol.dispose](): void {
    this.#own[Symbol.dispose]();
  }
}

function byLsn(one: RestorePoint, other: RestorePoint): number {
  return one.lsn < other.lsn ? -1 : one.lsn > other.lsn ? 1 : 0;
}

function least(segments: readonly (SegmentNumber | undefined)[]): SegmentNumber | undefined {
  return sorted(segments)[0];
}

function sorted(segments: readonly (SegmentNumber | undefined)[]): readonly SegmentNumber[] {
  const numbers = segments.filter((segment) => segment !== undefined);
  return numbers.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0));
}
