/** The segment size of an archive, from the first page of a segment in it. */
import { longPageHeaderSize, type WalFileName, type WalSegmentSize } from '@walvault/wal';
import { checkFirstPage, type ClusterFacts } from '../content/check-wal-file.ts';
import { ContentFile } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import { archivePath, isSegmentFile, type WalDirectories } from './layout.ts';

/**
 * Looks at complete segments of the archive until one has a right first page. One that is damaged must not hold up those who are
 * to get rid of it, or to mend it.
 * @returns undefined when there is no complete segment
 * @throws {WalFileError} when there are segments and none has a right first page
 * @throws {FileSystemError} when one cannot be read
 */
export async function segmentSizeAmong(
  directories: WalDirectories,
  files: Iterable<WalFileName>,
  facts: ClusterFacts,
): Promise<WalSegmentSize | undefined> {
  if (facts.walSegmentSize !== undefined) return facts.walSegmentSize;
  let failure: WalFileError | undefined;
  for (const file of files) {
    if (!isSegmentFile(file) || file.kind !== 'segment') continue;
    await using content = await ContentFile.open(archivePath(directories.wals, file), directories);
    if (content === undefined) continue;
    try {
      return checkFirstPage(await content.head(longPageHeaderSize), file, facts, content.path);
    } catch (error) {
      if (!(error instanceof WalFileError)) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}
