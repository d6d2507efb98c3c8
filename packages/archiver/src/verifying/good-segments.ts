/** Which segments were found good, kept as runs of names. */
import {
  parseWalFileName,
  type SegmentNumber,
  segmentNumberOfName,
  type TimelineId,
  walFileName,
  type WalSegmentSize,
  WalFormatError,
} from '@walvault/wal';
import { isSegmentFile } from '../wal-files/layout.ts';
import { runsOf } from '../wal-files/segment-runs.ts';

type Runs = readonly (readonly [first: string, last: string])[];

export class GoodSegments {
  readonly #size: WalSegmentSize;
  readonly #segments = new Map<TimelineId, Set<SegmentNumber>>();

  /** @param runs what was found before; names that make no sense are left out */
  constructor(size: WalSegmentSize, runs: Runs = []) {
    this.#size = size;
    for (const [first, last] of runs) this.#addRun(first, last);
  }

  add(timelineId: TimelineId, segment: SegmentNumber): void {
    const segments = this.#segments.get(timelineId) ?? new Set();
    this.#segments.set(timelineId, segments.add(segment));
  }

  has(timelineId: TimelineId, segment: SegmentNumber): boolean {
    return this.#segments.get(timelineId)?.has(segment) === true;
  }

  get runs(): Runs {
    return [...this.#segments].flatMap(([timelineId, segments]) => {
      const name = (segment: SegmentNumber): string => walFileName(timelineId, segment, this.#size);
      return runsOf([...segments]).map(({ first, last }) => [name(first), name(last)] as const);
    });
  }

  #addRun(first: string, last: string): void {
    try {
      const [one, other] = [parseWalFileName(first), parseWalFileName(last)];
      if (!isSegmentFile(one) || !isSegmentFile(other) || one.timelineId !== other.timelineId) return;
      const end = segmentNumberOfName(other, this.#size);
      for (let segment = segmentNumberOfName(one, this.#size); segment <= end; segment = (segment + 1n) as SegmentNumber)
        this.add(one.timelineId, segment);
    } catch (error) {
      if (!(error instanceof WalFormatError)) throw error;
    }
  }
}
