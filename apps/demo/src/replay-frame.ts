/** The figures of the recovery: how far the restored server has replayed. */
import { formatLsn, type Lsn, lsnDistance } from '@walvault/wal';
import { bar } from './bar.ts';
import { formatBytes } from './figures.ts';
import type { Frame } from './live-view.ts';
import type { Paint } from './narrator.ts';

/** Where a recovery began, where it is, and where the archive ends. */
export interface ReplaySample {
  readonly from: Lsn;
  readonly at: Lsn;
  readonly to: Lsn;
}

/** Draws a moment. */
export function replayFrame({ from, at, to }: ReplaySample, paint: Paint): Frame {
  const [done, all] = [Math.max(0, lsnDistance(from, at)), Math.max(1, lsnDistance(from, to))];
  const text =
    done < all
      ? `replayed to ${formatLsn(at)}, ${formatBytes(done)} of ${formatBytes(all)}`
      : `replayed to ${formatLsn(at)}, all there is; a new timeline begins`;
  return { block: [`    ${bar(done / all, paint)} ${text}`], line: `    ${text}` };
}
