/**
 * get-wal --peek: which WAL files follow one another without a gap.
 *
 * After the last segment of a log file comes the first one of the next; which that is depends on the segment size, and that stands in
 * the first page of the first file.
 */
import {
  longPageHeaderSize,
  parseWalFileName,
  segmentNumberOfName,
  type SegmentNumber,
  walFileName,
  type WalSegmentSize,
} from '@walvault/wal';
import { checkFirstPage } from '../content/check-wal-file.ts';
import { findWal } from '../wal-files/find-wal.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import type { WalReadOptions } from './open-wal.ts';

/**
 * The names of up to `count` complete WAL files, from `name` on, as long as each is in the archive or on its way there. What no
 * other follows, a history file for instance, stands alone.
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME`
 * @throws {WalFileError} when the first file is damaged, so that nobody knows which one comes next
 * @throws {FileSystemError} when a file is there and cannot be opened
 */
export async function* peekWal(options: WalReadOptions, name: string, count: number): AsyncGenerator<string, void, undefined> {
  const file = parseWalFileName(name);
  if (file.kind !== 'segment') {
    if (await isThere(options, name)) yield name;
    return;
  }
  const walSegmentSize = await segmentSizeOf(options, file);
  if (walSegmentSize === undefined) return;
  yield name;
  let segment = segmentNumberOfName(file, walSegmentSize);
  for (let given = 1; given < count; given++) {
    segment = (segment + 1n) as SegmentNumber;
    const next = walFileName(file.timelineId, segment, walSegmentSize);
    if (!(await isThere(options, next))) return;
    yield next;
  }
}

async function isThere({ directories }: WalReadOptions, name: string): Promise<boolean> {
  for await (const { content } of findWal(directories, parseWalFileName(name), false)) {
    await content[Symbol.asyncDispose]();
    return true;
  }
  return false;
}

async function segmentSizeOf(options: WalReadOptions, file: SegmentFileName): Promise<WalSegmentSize | undefined> {
  for await (const { content } of findWal(options.directories, file, false)) {
    await using opened = content;
    return checkFirstPage(await opened.head(longPageHeaderSize), file, options, opened.path);
  }
  return undefined;
}
