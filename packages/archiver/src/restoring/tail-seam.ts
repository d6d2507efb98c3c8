/**
 * Where the segment before one ends, from its last pages alone: what the check of a segment needs to see the rest of a record that began
 * in there. It costs one read of a quarter of a MiB, where a whole look at that segment would cost as much as the one that is wanted.
 */
import {
  addToLsn,
  longPageHeaderSize,
  readPageHeader,
  startLsnOfName,
  tryParseWalFileName,
  WalChecker,
  type WalSeam,
  walFileNameAt,
} from '@walvault/wal';
import { checkFirstPage } from '../content/check-wal-file.ts';
import type { ContentFile } from '../content/content.ts';
import { findWal } from '../wal-files/find-wal.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import type { WalReadOptions } from './open-wal.ts';

/** A multiple of every page size there can be. */
const tailBytes = 256 * 1024;

/**
 * The seam before a segment that begins with the rest of a record. Undefined where it does not, and where the segment before, of the same
 * timeline, cannot tell: it is nowhere, compressed (its bits are proven by that, but its end is not to be had alone), not right in its
 * last pages, or the record began before them.
 * @param content of the segment, uncompressed
 * @throws {WalFileError} when its first page is not right
 * @throws {FileSystemError}
 */
export async function tailSeamBefore(
  options: WalReadOptions,
  name: SegmentFileName,
  content: ContentFile,
): Promise<WalSeam | undefined> {
  const page = Buffer.alloc(longPageHeaderSize);
  const walSegmentSize = checkFirstPage(page.subarray(0, await content.readInto(page, 0)), name, options, content.path);
  const { remainingLength, long } = readPageHeader(page);
  const startLsn = startLsnOfName(name, walSegmentSize);
  if (remainingLength === 0 || long === undefined || startLsn === 0n) return undefined;
  const tail = await readTail(options, walFileNameAt(name.timelineId, addToLsn(startLsn, -1), walSegmentSize), walSegmentSize);
  if (tail === undefined) return undefined;
  const checker = new WalChecker({
    startLsn: addToLsn(startLsn, -tailBytes),
    walSegmentSize,
    walPageSize: long.pageSize,
    timelineId: name.timelineId,
    systemIdentifier: options.systemIdentifier,
  });
  checker.check(tail);
  const { seam } = checker;
  return seam?.open === 'record' && seam.checksRecords ? seam : undefined;
}

async function readTail(options: WalReadOptions, name: string, walSegmentSize: number): Promise<Buffer | undefined> {
  const file = tryParseWalFileName(name);
  if (file === undefined) return undefined;
  for await (const found of findWal(options.directories, file, false)) {
    await using content = found.content;
    if (content.codec !== undefined || content.size !== walSegmentSize) continue;
    const tail = Buffer.allocUnsafe(tailBytes);
    if ((await content.readInto(tail, walSegmentSize - tailBytes)) === tailBytes) return tail;
  }
  return undefined;
}
