/** Directories that are still there after a power cut. */
import { dirname, resolve } from 'node:path';
import { type Disk, fileSystemError, nodeDisk, syncParent } from '@walvault/durable-fs';

/**
 * Makes a directory and those above it that are missing, each durable in the one above.
 * @throws {FileSystemError}
 */
export async function makeDirectory(path: string, disk: Disk = nodeDisk): Promise<void> {
  const wanted = resolve(path);
  const first = await disk.mkdir(wanted, { recursive: true, mode: 0o755 }).catch((error: unknown) => {
    throw fileSystemError('create the directory', wanted, error);
  });
  if (first === undefined) return;
  for (let made = wanted; made.length >= first.length; made = dirname(made)) await syncParent(made, disk);
}
