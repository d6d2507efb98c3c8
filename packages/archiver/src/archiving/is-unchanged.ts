/** Whether a file is still the one that was looked at. */
import { type Disk, errnoOf, fileSystemError } from '@walvault/durable-fs';
import type { ContentFile } from '../content/content.ts';

/** Whether a path leads to the same file with the same content, by its size and time. @throws {FileSystemError} */
export async function isUnchanged({ path, stats }: Pick<ContentFile, 'path' | 'stats'>, disk: Disk): Promise<boolean> {
  try {
    const now = await disk.lstat(path, { bigint: true });
    return now.dev === stats.dev && now.ino === stats.ino && now.size === stats.size && now.mtimeNs === stats.mtimeNs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fileSystemError('look at', path, error);
  }
}
