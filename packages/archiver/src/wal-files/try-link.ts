/** A second name for a file: the same data, and never in place of another file. */
import { type Disk, errnoOf, fileSystemError, nodeDisk } from '@walvault/durable-fs';

const impossible = ['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Links `to` to the data of `from`.
 * @returns `impossible` where the file system cannot link these two: another one, or one without links, or without leave
 * @throws {FileSystemError}
 */
export async function tryLink(from: string, to: string, disk: Disk = nodeDisk): Promise<'linked' | 'exists' | 'impossible'> {
  try {
    await disk.link(from, to);
    return 'linked';
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'EEXIST') return 'exists';
    if (impossible.includes(errno)) return 'impossible';
    throw fileSystemError(`link to "${to}" the file`, from, error);
  }
}
