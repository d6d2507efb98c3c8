/**
 * How long flushes take: percentiles since the start, and counts by buckets that never go down, so that whoever looks twice knows
 * what happened between (as in Prometheus, whose buckets these are).
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** How many flushes took at most so long. */
export interface FlushBucket {
  /** Milliseconds. */
  readonly upToMs: number;
  /** Since the start, those of the smaller buckets included. */
  readonly count: number;
}

/** Durations of the flushes since the receiver was started. */
export interface FlushLatency {
  readonly count: number;
  /** All of them together, in milliseconds. */
  readonly sumMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** In order. Flushes that took longer than the last bucket are in `count` alone. */
  readonly buckets: readonly FlushBucket[];
}

const boundsMs = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** Counts flushes. */
export class FlushHistogram {
  /** In microseconds. */
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
  /** One more than there are bounds. */
  readonly #counts: number[] = [...boundsMs.map(() => 0), 0];
  #sumMs = 0;

  /** Counts a flush. */
  record(durationMs: number): void {
    this.#histogram.record(Math.max(1, Math.round(durationMs * 1000)));
    const bound = boundsMs.findIndex((upToMs) => durationMs <= upToMs);
    const index = bound === -1 ? boundsMs.length : bound;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sumMs += durationMs;
  }

  /** The figures as they are now. */
  latency(): FlushLatency {
    let below = 0;
    const buckets = boundsMs.map((upToMs, index) => {
      below += this.#counts[index] ?? 0;
      return { upToMs, count: below };
    });
    const { count } = this.#histogram;
    if (count === 0) return { count: 0, sumMs: 0, p50Ms: 0, p99Ms: 0, maxMs: 0, buckets };
    return {
      count,
      sumMs: Math.round(this.#sumMs * 1000) / 1000,
      p50Ms: milliseconds(this.#histogram.percentile(50)),
      p99Ms: milliseconds(this.#histogram.percentile(99)),
      maxMs: milliseconds(this.#histogram.max),
      buckets,
    };
  }
}

/** Microseconds as milliseconds. */
function milliseconds(micros: number): number {
  return Math.round(micros) / 1000;
}
