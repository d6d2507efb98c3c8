/** How large the segments of a cluster are: as is known of it, or else as the first page of one of them says. */
import { longPageHeaderSize, type WalSegmentSize } from '@walvault/wal';
import { checkFirstPage } from '../content/check-wal-file.ts';
import { ArchiveEmptyError } from '../errors.ts';
import { findWal } from '../wal-files/find-wal.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import type { WalReadOptions } from './open-wal.ts';

/**
 * The segment size in bytes.
 * @param sample a segment that is there
 * @throws {WalFileError} when its first page is none
 * @throws {FileSystemError} when it cannot be read
 * @throws {ArchiveEmptyError} when it has gone
 */
export async function segmentSizeOf(options: WalReadOptions, sample: SegmentFileName): Promise<WalSegmentSize> {
  if (options.walSegmentSize !== undefined) return options.walSegmentSize;
  for await (const { content } of findWal(options.directories, sample, false)) {
    await using _ = content;
    return checkFirstPage(await content.head(longPageHeaderSize), sample, options, content.path);
  }
  throw new ArchiveEmptyError(options.directories.wals);
}
