/** Whether it is worth while to start a prefetcher. */
import { parseWalFileName } from '@walvault/wal';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { segmentSizeOf } from '../restoring/segment-size.ts';
import { findWal } from '../wal-files/find-wal.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { segmentsBehind } from './recovery-order.ts';

/**
 * Whether `name` is a segment and the one that recovery will ask for behind it is there, too.
 * @throws what reading the archive throws
 */
export async function isNextSegmentThere(options: WalReadOptions, name: string): Promise<boolean> {
  const file = parseWalFileName(name);
  if (file.kind !== 'segment' || !(await isThere(options, name))) return false;
  const walSegmentSize = await segmentSizeOf(options, file);
  const timelines = await Timelines.read(options.directories);
  const [next] = segmentsBehind(file, 1, { walSegmentSize, timelines });
  return next !== undefined && (await isThere(options, next));
}

async function isThere({ directories }: WalReadOptions, name: string): Promise<boolean> {
  for await (const { content } of findWal(directories, parseWalFileName(name), false)) {
    await content[Symbol.asyncDispose]();
    return true;
  }
  return false;
}
