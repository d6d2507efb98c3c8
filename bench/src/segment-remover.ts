/**
 * Takes complete segments away as an archiver would, so that any volume can be streamed with little disk, and counts them. The
 * newest one stays, so that a receiver that starts again would find its place.
 */
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { tryParseWalFileName } from '@walvault/wal';

/** A remover at work; disposing it stops it. */
export interface SegmentRemover extends Disposable {
  /** How many complete segments there have been. */
  readonly completed: number;
}

const everyMs = 50;

/** Starts to remove segments from a directory. */
export function removeSegments(directory: string): SegmentRemover {
  let removed = 0;
  const complete = () => readdirSync(directory).filter((name) => tryParseWalFileName(name)?.kind === 'segment');
  const timer = setInterval(() => {
    for (const name of complete().toSorted().slice(0, -1)) {
      unlinkSync(join(directory, name));
      removed += 1;
    }
  }, everyMs);
  return {
    get completed() {
      return removed + complete().length;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
