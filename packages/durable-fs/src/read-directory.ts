/** Looking at a directory and at its files, with the errors of this package. */
import { type DirectoryEntry, type Disk, nodeDisk } from './disk.ts';
import { fileSystemError } from './errors.ts';
import { readAll } from './transfer.ts';

/**
 * The entries of a directory, in no order.
 * @throws {FileSystemError} when it cannot be read.
 */
export async function readDirectory(path: string, disk: Disk = nodeDisk): Promise<DirectoryEntry[]> {
  return disk.readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw fileSystemError('read the directory', path, error);
  });
}

/** The whole content of a small file. @throws {FileSystemError} when it cannot be read. */
export async function readWhole(path: string, disk: Disk = nodeDisk): Promise<Buffer> {
  try {
    await using file = await disk.open(path, 'r');
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, await readAll(file, bytes, 0));
  } catch (error) {
    throw fileSystemError('read', path, error);
  }
}

/** What {@link readStart} found. */
export interface FileStart {
  /** Size of the whole file in bytes. */
  readonly size: number;
  /** The first bytes, or as many as there are. */
  readonly bytes: Buffer;
}

/**
 * The size of a file and its first `length` bytes, of one and the same file though its name may be given to another.
 * @throws {FileSystemError} when it cannot be read.
 */
export async function readStart(path: string, length: number, disk: Disk = nodeDisk): Promise<FileStart> {
  try {
    await using file = await disk.open(path, 'r');
    const { size } = await file.stat();
    const bytes = Buffer.alloc(length);
    return { size, bytes: bytes.subarray(0, await readAll(file, bytes, 0)) };
  } catch (error) {
    throw fileSystemError('read', path, error);
  }
}
