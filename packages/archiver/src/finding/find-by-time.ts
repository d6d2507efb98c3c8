/**
 * Where a recovery to a time stops: before the first end of a transaction, in order of LSN, that is later than the target, or not
 * earlier when the target is exclusive (access/transam/xlogrecovery.c: recoveryStopsBefore).
 *
 * Times need not grow with LSNs. Where the clock of the server was set back, the target is passed again, so there is a place for
 * each time; which one recovery stops at depends on the backup that it begins with.
 *
 * The catalogue has the times of commits. Transactions that were rolled back stop recovery as well, so the segments between the
 * last commit before and the first one behind are read, as far as any transaction ended in them.
 */
import type { SegmentNumber, WalEvent } from '@walvault/wal';
import { endsTransaction, type FindableWal, rangeOf } from './findable-wal.ts';
import { placeOf } from './target-place.ts';
import type { ChainFinding, ClockStep, TargetPlace } from './recovery-target.ts';
import type { TimelineChain } from './timeline-chain.ts';

/** A clock is set by more than this; commits that ran at the same time are not that far apart. */
const smallestClockStep = 1_000_000n;
/** So many places are told at most. */
const mostPlaces = 16;

/** Searches one chain. */
export async function findByTime(
  wal: FindableWal,
  chain: TimelineChain,
  time: bigint,
  inclusive: boolean,
): Promise<ChainFinding> {
  const search = new TimeSearch(wal, chain, inclusive ? time : time - 1n);
  await wal.learn(chain, () => search.firstAfter(0n as SegmentNumber) !== undefined);
  const places: TargetPlace[] = [];
  const clockSteps: ClockStep[] = [];
  for (let from: SegmentNumber | undefined = 0n as SegmentNumber; from !== undefined && places.length < mostPlaces; ) {
    const after = search.firstAfter(from);
    const stop = await search.stopFrom(from, after);
    if (stop === undefined) return search.endOfWal();
    if (stop === 'missing') return { kind: 'hole', hole: wal.holeAt(chain, after ?? from) };
    const lastCommit = await wal.lastCommitBefore(chain, stop.lsn);
    if (lastCommit !== undefined) places.push(placeOf(wal, chain, stop, { isReplayed: false, lastCommit }));
    const step = after === undefined ? undefined : search.stepBehind(after);
    if (step !== undefined) clockSteps.push(step);
    from = step?.segment;
  }
  return places.length === 0 ? { kind: 'before' } : { kind: 'found', places, clockSteps };
}

/** Recovery stops before the first end of a transaction later than a threshold. */
class TimeSearch {
  readonly #wal: FindableWal;
  readonly #chain: TimelineChain;
  readonly #threshold: bigint;

  constructor(wal: FindableWal, chain: TimelineChain, threshold: bigint) {
    this.#wal = wal;
    this.#chain = chain;
    this.#threshold = threshold;
  }

  /** The first segment, from one on, with a later commit. */
  firstAfter(from: SegmentNumber): SegmentNumber | undefined {
    for (const range of this.#ranges(from)) {
      const found = this.#wal.index.firstCommittedAfter(range, this.#threshold);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Reads where recovery stops.
   * @param after the first segment with a later commit, if there is one
   */
  async stopFrom(from: SegmentNumber, after: SegmentNumber | undefined): Promise<WalEvent | 'missing' | undefined> {
    let stop: WalEvent | undefined;
    const onEvent = (event: WalEvent): void => {
      if (stop === undefined && endsTransaction(event) && event.time !== undefined && event.time > this.#threshold) stop = event;
    };
    for (const segment of this.#candidates(from, after)) {
      const end = await this.#wal.scanner.scan(this.#chain, segment, { onEvent });
      if (stop !== undefined) return stop;
      if (end === undefined && segment === after) return 'missing';
    }
    return undefined;
  }

  /** The first segment behind one with a commit that is clearly earlier: there the target is ahead again. */
  stepBehind(after: SegmentNumber): (ClockStep & { readonly segment: SegmentNumber }) | undefined {
    const { index } = this.#wal;
    for (const range of this.#ranges((after + 1n) as SegmentNumber)) {
      const segment = index.firstCommittedBefore(range, this.#threshold - smallestClockStep);
      if (segment === undefined) continue;
      const times = index.commitTimes({ ...range, first: segment, end: (segment + 1n) as SegmentNumber });
      if (times !== undefined) return { segment, segmentName: this.#wal.nameOf(range.timelineId, segment), time: times.first };
    }
    return undefined;
  }

  /** Why there is no place: the WAL ends, or cannot be read. */
  endOfWal(): ChainFinding {
    const [damage] = this.#wal.scanner.faults;
    return damage === undefined ? { kind: 'beyond' } : { kind: 'damaged', segmentName: damage[0], fault: damage[1] };
  }

  /** The segments to read, in order: from the last commit before to the first one behind, or to the end of the WAL. */
  #candidates(from: SegmentNumber, after: SegmentNumber | undefined): readonly SegmentNumber[] {
    const wal = this.#wal;
    const partial = wal.partialEnd(this.#chain)?.segment;
    const last = after ?? partial ?? wal.lastComplete(this.#chain)?.segment;
    if (last === undefined) return [];
    const end = (last + 1n) as SegmentNumber;
    const before = wal.lastCommitted(this.#chain, after ?? end);
    const first = before === undefined || before < from ? from : before;
    const segments = this.#ranges(first, end).flatMap((range) => wal.index.withEndsOfTransactions(range));
    return after === undefined && partial !== undefined ? [...segments, partial] : segments;
  }

  #ranges(from: SegmentNumber, end?: SegmentNumber) {
    return this.#chain.pieces.map((piece) => {
      const range = rangeOf(piece);
      return {
        ...range,
        first: from > range.first ? from : range.first,
        end: end !== undefined && end < range.end ? end : range.end,
      };
    });
  }
}
