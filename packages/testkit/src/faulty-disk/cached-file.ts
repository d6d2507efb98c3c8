/**
 * The content of one file: what programs see (the page cache) and what is on the medium, sector by sector.
 *
 * A write changes the cache and leaves its sectors dirty. Dirty sectors reach the medium when the kernel likes, in any
 * order; a sync returns when those have reached it that were dirty when it began. Bytes written while it runs are not
 * covered by it. After a sync that failed, Linux calls the sectors clean though they are nowhere but in the cache.
 */
import { giveBack, takeZeros } from './memory.ts';
import type { Random } from './random.ts';

/** A sync that is under way. */
export interface FileSync {
  /** The sectors it covers; with a copy of what they held at its beginning once they are written to again. */
  readonly sectors: Map<number, Uint8Array | undefined>;
  readonly size: number;
  /** They are numbered by their beginnings. */
  readonly number: number;
}

/** A file without its name. */
export class CachedFile {
  /** As long as the machine is up and on the next day. */
  readonly number: number;
  /** Time of the last change in nanoseconds since 1970, as it was set. Nothing is lost of it. */
  mtimeNs = 0n;
  readonly #sectorBytes: number;
  #cache: Uint8Array = new Uint8Array(0);
  #medium: Uint8Array = new Uint8Array(0);
  #size = 0;
  #mediumSize = 0;
  #dirty = new Set<number>();
  /** Sectors that are neither dirty nor the same on the medium. */
  readonly #lost = new Set<number>();
  readonly #syncs = new Set<FileSync>();
  #syncsBegun = 0;
  /** The sync that the size on the medium is from. */
  #sizeIsFrom = 0;
  readonly #allocated = new Set<number>();
  /** How many errors of writing back there were; who has the file open learns of each at its next sync. */
  #errors = 0;
  #isErrorSeen = true;

  constructor(sectorBytes: number, number: number) {
    this.#sectorBytes = sectorBytes;
    this.number = number;
  }

  /** In bytes, as programs see it. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that it takes on the disk. */
  get allocatedBytes(): number {
    return this.#allocated.size * this.#sectorBytes;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** What programs see, as a view that the next change may change. */
  content(): Uint8Array {
    return this.#cache.subarray(0, this.#size);
  }

  /** How many of `length` bytes can be written there with so much room for sectors that the file does not have yet. */
  fitting(position: number, length: number, freeBytes: number): number {
    let free = freeBytes;
    for (const sector of this.#sectorsOf(position, length)) {
      if (this.#allocated.has(sector)) continue;
      if (free < this.#sectorBytes) return Math.max(0, sector * this.#sectorBytes - position);
      free -= this.#sectorBytes;
    }
    return length;
  }

  /** Gives its memory to other files. It must not be used any more. */
  discard(): void {
    giveBack(this.#cache);
    giveBack(this.#medium);
  }

  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#grow(position + bytes.length);
    for (const sector of this.#sectorsOf(position, bytes.length)) {
      this.#soil(sector);
      this.#allocated.add(sector);
    }
    this.#cache.set(bytes, position);
    this.#size = Math.max(this.#size, position + bytes.length);
  }

  truncate(size: number): void {
    this.#grow(size);
    if (size < this.#size) {
      for (const sector of this.#sectorsOf(size, this.#size - size)) this.#soil(sector);
      this.#cache.fill(0, size, this.#size);
    }
    this.#size = size;
  }

  /** Takes note of what a sync that begins now has to make durable. */
  beginSync(): FileSync {
    this.#syncsBegun += 1;
    const sync: FileSync = { sectors: new Map(), size: this.#size, number: this.#syncsBegun };
    for (const sector of this.#dirty) sync.sectors.set(sector, undefined);
    for (const { sectors } of this.#syncs) for (const sector of sectors.keys()) sync.sectors.set(sector, undefined);
    this.#dirty = new Set();
    this.#syncs.add(sync);
    return sync;
  }

  /** The sync is done: what it covers is on the medium. */
  endSync(sync: FileSync): void {
    this.#syncs.delete(sync);
    for (const [sector, saved] of sync.sectors) this.#toMedium(sector, saved);
    for (const earlier of this.#syncs) if (earlier.number < sync.number) earlier.sectors.clear(); // all of that is covered
    if (sync.number > this.#sizeIsFrom) this.#mediumSize = sync.size;
    this.#sizeIsFrom = Math.max(this.#sizeIsFrom, sync.number);
  }

  /**
   * The sync failed: some sectors are on the medium and some are not. Those are from now on dirty (again), or, as on
   * Linux, clean; in the cache the new bytes are still to be seen then, or, where the pages were given up, the old ones.
   */
  failSync(sync: FileSync, random: Random): void {
    this.#syncs.delete(sync);
    this.#lose(sync.sectors, random);
  }

  /** The kernel writes dirty sectors to the medium, each with this probability. */
  writeBack(random: Random, probability: number): void {
    for (const sector of this.#dirty) {
      if (!random.chance(probability)) continue;
      this.#toMedium(sector);
      this.#dirty.delete(sector);
      for (const { sectors } of this.#syncs) sectors.delete(sector); // they would bring older bytes
    }
    if (random.chance(probability)) this.#mediumSize = this.#size;
  }

  /** The kernel fails at that, and tells at the next sync. */
  failWriteBack(random: Random): void {
    const sectors = new Map([...this.#dirty].map((sector) => [sector, undefined]));
    this.#dirty.clear();
    this.#lose(sectors, random);
    this.#errors += 1;
    this.#isErrorSeen = false;
  }

  /** The errors of writing back that whoever opens the file now is not told of (errseq_sample). */
  errorsAtOpen(): number {
    return this.#isErrorSeen ? this.#errors : this.#errors - 1;
  }

  /** The errors so far, which the caller tells to somebody. */
  seeErrors(): number {
    this.#isErrorSeen = true;
    return this.#errors;
  }

  /** The power goes: each sector that is not safe is old, new, or new in part. */
  cutPower(random: Random, probability: number): void {
    const how = { random, probability };
    for (const { sectors } of this.#syncs) for (const [sector, saved] of sectors) this.#crashSector(sector, saved, how);
    for (const sector of this.#dirty) this.#crashSector(sector, undefined, how);
    const sizes = [this.#size, ...[...this.#syncs].map(({ size }) => size)];
    if (random.chance(probability)) this.#mediumSize = random.pick(sizes) ?? this.#size;
    for (const sector of this.#unsafe()) this.#revert(sector);
    this.#medium.fill(0, this.#mediumSize);
    this.#cache.fill(0, this.#mediumSize);
    this.#size = this.#mediumSize;
    this.#dirty.clear();
    this.#syncs.clear();
    this.forget();
  }

  /** The kernel gives up clean pages, as it may at any time; where they are read again, what was lost shows. */
  dropPages(): void {
    for (const sector of this.#lost) this.#revert(sector);
    this.#lost.clear();
  }

  /** The kernel forgets a file that nobody has open, of which no page may be dirty, with the errors that nobody asked for. */
  forget(): void {
    this.dropPages();
    this.#errors = 0;
    this.#isErrorSeen = true;
  }

  *#unsafe(): Generator<number> {
    yield* this.#dirty;
    for (const { sectors } of this.#syncs) yield* sectors.keys();
  }

  #crashSector(
    sector: number,
    saved: Uint8Array | undefined,
    how: { readonly random: Random; readonly probability: number },
  ): void {
    const { random, probability } = how;
    if (!random.chance(probability)) return;
    const isTorn = random.chance(0.1);
    const from = isTorn ? random.below(this.#sectorBytes) : 0;
    const to = isTorn ? from + random.below(this.#sectorBytes - from) : this.#sectorBytes;
    this.#toMedium(sector, saved, { from, to });
  }

  #lose(sectors: ReadonlyMap<number, Uint8Array | undefined>, random: Random): void {
    const [onMedium, kept, reverted] = [random.next(), random.pick([0, 0, 1, random.next()]), random.pick([0, 1, random.next()])];
    for (const [sector, saved] of sectors) {
      if (random.chance(onMedium)) this.#toMedium(sector, saved);
      else if (random.chance(kept)) this.#dirty.add(sector);
      else if (this.#dirty.has(sector)) continue;
      else if (random.chance(reverted)) this.#revert(sector);
      else this.#lost.add(sector);
    }
  }

  #revert(sector: number): void {
    const at = sector * this.#sectorBytes;
    this.#cache.set(this.#medium.subarray(at, at + this.#sectorBytes), at);
  }

  #soil(sector: number): void {
    this.#dirty.add(sector);
    this.#lost.delete(sector);
    for (const { sectors } of this.#syncs) {
      if (!sectors.has(sector) || sectors.get(sector) !== undefined) continue;
      const at = sector * this.#sectorBytes;
      sectors.set(sector, this.#cache.slice(at, at + this.#sectorBytes));
    }
  }

  #toMedium(sector: number, saved?: Uint8Array, part: { from: number; to: number } = { from: 0, to: this.#sectorBytes }): void {
    const at = sector * this.#sectorBytes;
    if (saved !== undefined) this.#medium.set(saved.subarray(part.from, part.to), at + part.from);
    else this.#medium.set(this.#cache.subarray(at + part.from, at + part.to), at + part.from);
  }

  #sectorsOf(position: number, length: number): number[] {
    const first = Math.floor(position / this.#sectorBytes);
    return Array.from({ length: Math.ceil((position + length) / this.#sectorBytes) - first }, (_, index) => first + index);
  }

  #grow(size: number): void {
    if (size <= this.#cache.length) return;
    const capacity = Math.ceil(Math.max(size, 2 * this.#cache.length) / this.#sectorBytes) * this.#sectorBytes;
    const [cache, medium] = [this.#cache, this.#medium];
    this.#cache = takeZeros(capacity);
    this.#medium = takeZeros(capacity);
    this.#cache.set(cache);
    this.#medium.set(medium);
    giveBack(cache);
    giveBack(medium);
  }
}
