/**
 * How far a receiver has come: the one value that flows backwards, to the walsender and to whoever watches.
 *
 *   writtenLsn >= flushedLsn, both on timelineId; everything below flushedLsn is on disk for good;
 *   writtenLsn >= verifiedLsn: everything below verifiedLsn is whole records that have been checked.
 *
 * The server is told the lesser of the two lower ones: it may throw away WAL that it was told of, and the beginning of a
 * record whose end turns out to be bad must still be there to be asked for again.
 *
 * Within one timeline the positions only grow. A switch of timeline may step back to the start of the segment that
 * holds the switchpoint, because that segment exists on both timelines.
 */
import { strict as assert } from 'node:assert';
import { invalidLsn, type Lsn, lsnDistance, maxOfLsn, type TimelineId } from '@walvault/wal';
import { CaughtUp } from './caught-up.ts';

/** What a receiver reports to the server about itself. */
export interface ReportedPositions {
  readonly writeLsn: Lsn;
  /** Never less than reported before; `0/0` ("unknown") while what was acknowledged earlier is being received again. */
  readonly flushLsn: Lsn;
}

/** The positions of one receiver. Written by the receiver alone, read by anybody at any time. */
export class Positions {
  #timelineId: TimelineId;
  #writtenLsn: Lsn;
  #flushedLsn: Lsn;
  #verifiedLsn: Lsn;
  #serverLsn: Lsn;
  #acknowledgedLsn: Lsn;
  #receivedBytes = 0;
  #lastMessageAtMs = 0;
  readonly #caughtUp = new CaughtUp();

  /**
   * @param start where streaming starts; `verifiedLsn` is where the record begins that goes on there, if one does
   * @param acknowledgedLsn what has been reported as flushed before, for example by an earlier process (`0/0`: nothing)
   */
  constructor(
    start: { readonly timelineId: TimelineId; readonly lsn: Lsn; readonly verifiedLsn?: Lsn | undefined },
    acknowledgedLsn: Lsn = invalidLsn,
  ) {
    this.#timelineId = start.timelineId;
    this.#writtenLsn = start.lsn;
    this.#flushedLsn = start.lsn;
    this.#verifiedLsn = start.verifiedLsn ?? start.lsn;
    this.#serverLsn = start.lsn;
    this.#acknowledgedLsn = acknowledgedLsn;
  }

  /** The timeline that is being streamed. */
  get timelineId(): TimelineId {
    return this.#timelineId;
  }

  /** Just behind the last byte that was given to the kernel. */
  get writtenLsn(): Lsn {
    return this.#writtenLsn;
  }

  /** Just behind the last byte that is durable. */
  get flushedLsn(): Lsn {
    return this.#flushedLsn;
  }

  /** Just behind the last record that came whole and was right; the written position where records are not checked. */
  get verifiedLsn(): Lsn {
    return this.#verifiedLsn;
  }

  /** What the server was last told to be flushed, by this process or, as far as it is known, by one before. */
  get acknowledgedLsn(): Lsn {
    return this.#acknowledgedLsn;
  }

  /** The furthest position of the server that it told us about. */
  get serverLsn(): Lsn {
    return this.#serverLsn;
  }

  /** WAL bytes received since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** When the last message came from the server, in milliseconds of the Unix epoch; 0 before the first. */
  get lastMessageAtMs(): number {
    return this.#lastMessageAtMs;
  }

  /**
   * Since when something can be missing: all that was committed on this timeline up to then is durable here. In milliseconds of the
   * Unix epoch by our clock; 0 as long as the server was never caught up with.
   */
  get caughtUpAtMs(): number {
    return this.#caughtUp.atMs;
  }

  /**
   * Notes that a message came, with the position of the server that it carried.
   * @param sentMs when the server sent it, by its clock, in milliseconds of the Unix epoch
   */
  heard(serverLsn: Lsn, nowMs: number, sentMs: number = nowMs): void {
    // A keepalive carries what was sent, which is not the end while more is known to be there.
    if (serverLsn >= this.#serverLsn) this.#caughtUp.heard(serverLsn, sentMs, nowMs);
    this.#caughtUp.flushed(this.#flushedLsn);
    this.#serverLsn = maxOfLsn(this.#serverLsn, serverLsn);
    this.#lastMessageAtMs = nowMs;
  }

  /** Moves the written position on, and with it the verified one. */
  wroteTo(lsn: Lsn, verifiedLsn: Lsn = lsn): void {
    assert(lsn >= this.#writtenLsn, 'the written position never goes back');
    assert(
      verifiedLsn >= this.#verifiedLsn && verifiedLsn <= lsn,
      'the verified position never goes back, nor past the written one',
    );
    this.#verifiedLsn = verifiedLsn;
    this.#receivedBytes += lsnDistance(this.#writtenLsn, lsn);
    this.#writtenLsn = lsn;
    this.#serverLsn = maxOfLsn(this.#serverLsn, lsn);
  }

  /** Moves the durable position on. Call it only after the fsync. */
  flushedTo(lsn: Lsn): void {
    assert(lsn >= this.#flushedLsn && lsn <= this.#writtenLsn, 'the flushed position never goes back, nor past the written one');
    this.#flushedLsn = lsn;
    this.#caughtUp.flushed(lsn);
  }

  /** Goes over to another timeline, at the start of the segment that holds the switchpoint. */
  switchTo(timelineId: TimelineId, lsn: Lsn): void {
    assert(
      timelineId > this.#timelineId && lsn <= this.#flushedLsn,
      'a timeline switch leads to a later timeline, from durable ground',
    );
    this.#timelineId = timelineId;
    this.#writtenLsn = lsn;
    this.#flushedLsn = lsn;
    this.#verifiedLsn = lsn;
    this.#caughtUp.forget();
  }

  /**
   * What to tell the server now. The flush position in it never goes back.
   * @param toTheByte when all that came is flushed, count also the beginning of a record whose end is not there yet: a server that
   * wants to shut down waits until all that it has sent is flushed, and a standby may have sent half a record.
   */
  report(toTheByte = false): ReportedPositions {
    const isWhole = this.#flushedLsn <= this.#verifiedLsn || (toTheByte && this.#flushedLsn === this.#writtenLsn);
    const safeLsn = isWhole ? this.#flushedLsn : this.#verifiedLsn;
    const isAgain = this.#flushedLsn < this.#acknowledgedLsn;
    this.#acknowledgedLsn = maxOfLsn(this.#acknowledgedLsn, safeLsn);
    return { writeLsn: this.#writtenLsn, flushLsn: isAgain ? invalidLsn : this.#acknowledgedLsn };
  }
}
