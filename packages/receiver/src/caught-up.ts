/**
 * When everything that the server had was durable here. A pure value, moved on by what the server says of itself and by flushes.
 *
 * The server tells how far it is, and when that was; as soon as that much is durable, all that was committed up to then is. While WAL
 * keeps coming there is always more on its way, so that an older word of the server is waited for beside the newest.
 */
import type { Lsn } from '@walvault/wal';

/** The server was at `lsn` at that time, by our clock. */
interface Mark {
  readonly lsn: Lsn;
  readonly atMs: number;
}

/** Follows one stream. Give it only what is the end of the server's WAL, not what it merely has sent. */
export class CaughtUp {
  #awaited: Mark | undefined;
  #newest: Mark | undefined;
  /** Of all messages the least difference between the clocks: what a message takes beyond that, it was on its way. */
  #leastDelayMs = Number.POSITIVE_INFINITY;
  #atMs = 0;

  /** All that was committed up to then is durable here; in milliseconds of the Unix epoch by our clock, 0 as long as it never was. */
  get atMs(): number {
    return this.#atMs;
  }

  /** The server was at `lsn` when it sent a message: at `sentMs` by its clock, here at `nowMs`. A message that was held up on its way says so. */
  heard(lsn: Lsn, sentMs: number, nowMs: number): void {
    this.#leastDelayMs = Math.min(this.#leastDelayMs, nowMs - sentMs);
    this.#newest = { lsn, atMs: sentMs + this.#leastDelayMs };
    this.#awaited ??= this.#newest;
  }

  /** All below `lsn` is durable. */
  flushed(lsn: Lsn): void {
    if (this.#awaited === undefined || this.#newest === undefined || lsn < this.#awaited.lsn) return;
    const isAll = lsn >= this.#newest.lsn;
    this.#atMs = Math.max(this.#atMs, isAll ? this.#newest.atMs : this.#awaited.atMs);
    this.#awaited = isAll ? undefined : this.#newest;
  }

  /** What was said of a timeline says nothing about the next one. */
  forget(): void {
    this.#awaited = undefined;
    this.#newest = undefined;
  }
}
