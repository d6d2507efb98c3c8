/** How large the segments of a cluster are, by the first pages of segments that are there. */
import { longPageHeaderSize, type WalSegmentSize } from '@walvault/wal';
import { checkFirstPage } from '../content/check-wal-file.ts';
import { WalFileError } from '../errors.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { findWal } from './find-wal.ts';
import type { SegmentFileName } from './layout.ts';

/** A few of them may be damaged. */
const mostSamples = 10;

/**
 * Reads the segment size, unless it is known, from the first of some segments whose first page is right.
 * @returns undefined when none of the first few tells
 * @throws {FileSystemError} when one is there and cannot be read
 */
export async function sampledSegmentSize(
  options: WalReadOptions,
  samples: readonly SegmentFileName[],
): Promise<WalSegmentSize | undefined> {
  if (options.walSegmentSize !== undefined) return options.walSegmentSize;
  for (const sample of samples.slice(0, mostSamples)) {
    for await (const { content } of findWal(options.directories, sample, false)) {
      await using file = content;
      try {
        return checkFirstPage(await file.head(longPageHeaderSize), sample, options, file.path);
      } catch (error) {
        if (!(error instanceof WalFileError)) throw error;
      }
    }
  }
  return undefined;
}
