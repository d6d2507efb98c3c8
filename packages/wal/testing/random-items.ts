/** Random WAL by seed: the same seed gives the same items on every machine. */
import type { WalItem } from './build-wal.ts';

export interface RandomItemsOptions {
  /** Any whole number. */
  readonly seed: number;
  readonly count: number;
  /** Sizes of most records in bytes, header included; 26 to 300 unless given. */
  readonly smallest?: number | undefined;
  readonly largest?: number | undefined;
  /** One record in so many is long, up to 40 kB; 20 unless given, 0 for none. */
  readonly longEvery?: number | undefined;
  /** One item in so many is a segment switch, or a record cut off by a crash; 0 (none) unless given. */
  readonly switchEvery?: number | undefined;
  readonly cutOffEvery?: number | undefined;
}

/** Numbers from 0 up to, not including, 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const longest = 40_000;
const recordHeaderSize = 24;
/** No page is larger, so a record of more than two of these and a bit goes over a page boundary wherever it begins. */
const cutOffSize = 2 * 65_536;

/** Records with random bodies, and whatever else is asked for among them. */
export function* randomItems(options: RandomItemsOptions): Generator<WalItem> {
  const { seed, count, smallest = 26, largest = 300, longEvery = 20, switchEvery = 0, cutOffEvery = 0 } = options;
  const random = randomNumbers(seed);
  const pool = Buffer.from(Uint32Array.from({ length: 1 << 16 }, () => random() * 0x1_0000_0000).buffer);
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const oneIn = (every: number) => every > 0 && random() * every < 1;
  const body = (size: number) => {
    const start = between(0, pool.length - size);
    return pool.subarray(start, start + size - recordHeaderSize);
  };
  for (let made = 0; made < count; made += 1) {
    if (oneIn(switchEvery)) yield { kind: 'switch' };
    else if (oneIn(cutOffEvery)) yield { kind: 'cutOff', body: body(cutOffSize), pages: between(1, 2) };
    else
      yield {
        body: body(oneIn(longEvery) ? between(largest, Math.max(largest, longest)) : between(smallest, largest)),
        rmgr: between(1, 21),
      };
  }
}

/** Cuts bytes into pieces of 1 to `largest` bytes. */
export function* pieces(bytes: Buffer, seed: number, largest = 20_000): Generator<Buffer> {
  const random = randomNumbers(seed);
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + Math.floor(random() ** 2 * largest));
    yield piece;
    at += piece.length;
  }
}
