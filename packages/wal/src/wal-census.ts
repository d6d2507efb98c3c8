/**
 * Counts the records that a checker found to be right, as `pg_waldump --stats=record` counts them (access/transam/xlogstats.c,
 * bin/pg_waldump/pg_waldump.c), and notes the transactions and restore points among them.
 *
 * It stands in the hot loop of the checker: a record costs a few additions and a look at its block headers.
 */
import { halvesOfLsn, type Lsn, lsnOfHalves } from './lsn.ts';
import { imageBytes, longestRecordHead, mainDataAt } from './record-body.ts';
import { endsPreparedTransaction, mayBeEvent, postgresEpoch, readEvent, type WalEvent } from './wal-event.ts';
import { anyWalFormat, type WalFormat } from './wal-format.ts';
import type { RestorePoint, RmgrStatistics, WalStatistics } from './wal-statistics.ts';

/** Where a record lies. Asked only of records that somebody wants to know that of. */
interface RecordPlace {
  readonly startLsn: Lsn;
  readonly endLsn: Lsn;
}

const recordHeaderSize = 24;
const xactRmgr = 1;
const slots = 256 * 16;
/** A record that ends a prepared transaction is kept as a whole up to this size: the transaction stands behind lists in it. */
const longestPrepared = 1024 * 1024;
const firstNormalXid = 3;

/**
 * Counts what passes a `WalChecker`. A record counts when it is over and right, so of one that goes over the end of a segment
 * the checker that goes on behind it has the count.
 */
export class WalCensus {
  readonly #onEvent: ((event: WalEvent) => void) | undefined;
  readonly #counts = new Float64Array(slots);
  readonly #lengths = new Float64Array(slots);
  readonly #images = new Float64Array(slots);
  readonly #restorePoints: RestorePoint[] = [];
  #format: WalFormat = anyWalFormat;
  #firstRecordLsn: Lsn | undefined;
  #endHigh = 0;
  #endLow = 0;
  #commits = 0;
  #aborts = 0;
  #firstCommitTime = Number.POSITIVE_INFINITY;
  #lastCommitTime = Number.NEGATIVE_INFINITY;
  #firstXid: number | undefined;
  #lastXid: number | undefined;

  /** @param options `onEvent` is called for each event, in order of LSN, from within `WalChecker.check`, and must not throw */
  constructor(options: { readonly onEvent?: ((event: WalEvent) => void) | undefined } = {}) {
    this.#onEvent = options.onEvent;
  }

  /** Whether nothing was counted yet. */
  get isEmpty(): boolean {
    return this.#firstRecordLsn === undefined;
  }

  /** What was counted up to now. */
  statistics(): WalStatistics {
    const rmgrs = this.#rmgrStatistics();
    return {
      records: rmgrs.reduce((sum, { count }) => sum + count, 0),
      firstRecordLsn: this.#firstRecordLsn,
      endLsn: this.#firstRecordLsn && lsnOfHalves(this.#endHigh, this.#endLow),
      commits: this.#commits,
      aborts: this.#aborts,
      firstCommitTime: timeOf(this.#firstCommitTime),
      lastCommitTime: timeOf(this.#lastCommitTime),
      firstXid: this.#firstXid,
      lastXid: this.#lastXid,
      rmgrs,
      restorePoints: [...this.#restorePoints],
    };
  }

  /** @internal The checker says what version the pages are of. */
  set format(format: WalFormat) {
    this.#format = format;
  }

  /** @internal How many bytes of a record {@link count} wants to see. */
  static wanted(rmgr: number, info: number, length: number): number {
    return Math.min(length, endsPreparedTransaction(rmgr, info) ? longestPrepared : longestRecordHead);
  }

  /**
   * @internal Counts a right record.
   * @param view has the bytes from `at` on that are {@link wanted}, and nothing else behind the end of the record
   * @param length of the record
   */
  count(view: DataView, at: number, length: number, place: RecordPlace): void {
    const rmgr = view.getUint8(at + 17);
    const info = view.getUint8(at + 16);
    // The highest bit of info of a transaction is a flag.
    const slot = rmgr === xactRmgr ? (rmgr << 4) | ((info >> 4) & 7) : (rmgr << 4) | (info >> 4);
    const images = imageBytes(view, at + recordHeaderSize, at + length, this.#format.compressedImageBits);
    add(this.#counts, slot, 1);
    add(this.#lengths, slot, length - images);
    add(this.#images, slot, images);
    if (rmgr === xactRmgr && (info & 0x5f) === 0 && this.#onEvent === undefined) this.#noteEnd(view, at, length, info);
    else if (rmgr <= xactRmgr && mayBeEvent(rmgr, info)) this.#noteEvent(view, at, length, place);
  }

  /** @internal Records were counted from one LSN up to another, given as halves. */
  passed(startHigh: number, startLow: number, endHigh: number, endLow: number): void {
    this.#firstRecordLsn ??= lsnOfHalves(startHigh, startLow);
    this.#endHigh = endHigh;
    this.#endLow = endLow;
  }

  /** @internal The last record ends here after all: it switched to the next segment. */
  endsAt(lsn: Lsn): void {
    if (this.#firstRecordLsn !== undefined) [this.#endHigh, this.#endLow] = halvesOfLsn(lsn);
  }

  /** A commit or abort that is not of a prepared transaction: of these there are many, so nothing is made of them but numbers. */
  #noteEnd(view: DataView, at: number, length: number, info: number): void {
    const start = mainDataAt(view, at + recordHeaderSize, at + length);
    if (start < 0 || start + 8 > Math.min(at + length, view.byteLength)) return;
    if ((info & 0x20) !== 0) this.#aborts += 1;
    else this.#noteCommit(view.getInt32(start + 4, true) * 0x1_0000_0000 + view.getUint32(start, true));
    this.#noteXid(view.getUint32(at + 4, true));
  }

  #noteEvent(view: DataView, at: number, length: number, place: RecordPlace): void {
    const content = readEvent(view, at, length, this.#format);
    if (content === undefined) return;
    const { kind, xid, time, name } = content;
    const isCommit = kind === 'commit' || kind === 'commitPrepared';
    if (isCommit && time !== undefined) this.#noteCommit(Number(time - postgresEpoch));
    if (kind === 'abort' || kind === 'abortPrepared') this.#aborts += 1;
    this.#noteXid(xid);
    if (name === undefined && this.#onEvent === undefined) return;
    const { startLsn: lsn, endLsn } = place;
    if (name !== undefined) this.#restorePoints.push({ name, time: time ?? 0n, lsn, endLsn });
    this.#onEvent?.({ ...content, lsn, endLsn });
  }

  /** @param time microseconds since 2000: exact as a number for 285 years */
  #noteCommit(time: number): void {
    this.#commits += 1;
    if (time < this.#firstCommitTime) this.#firstCommitTime = time;
    if (time > this.#lastCommitTime) this.#lastCommitTime = time;
  }

  #noteXid(xid: number): void {
    if (xid < firstNormalXid) return;
    if (this.#firstXid === undefined || precedes(xid, this.#firstXid)) this.#firstXid = xid;
    if (this.#lastXid === undefined || precedes(this.#lastXid, xid)) this.#lastXid = xid;
  }

  #rmgrStatistics(): RmgrStatistics[] {
    const found: RmgrStatistics[] = [];
    for (const [slot, count] of this.#counts.entries()) {
      if (count === 0) continue;
      const [recordBytes = 0, fpiBytes = 0] = [this.#lengths[slot], this.#images[slot]];
      found.push({ rmgr: slot >> 4, info: slot & 15, count, recordBytes, fpiBytes });
    }
    return found;
  }
}

function add(to: Float64Array, slot: number, value: number): void {
  to[slot] = (to[slot] as number) + value;
}

function timeOf(sincePostgresEpoch: number): bigint | undefined {
  return Number.isFinite(sincePostgresEpoch) ? BigInt(sincePostgresEpoch) + postgresEpoch : undefined;
}

/** TransactionIdPrecedes of normal transactions (access/transam/transam.c): numbers go round. */
function precedes(one: number, other: number): boolean {
  return ((one - other) | 0) < 0;
}
