/** A file that a process publishes for others to look at. It is a view, and nothing that the process itself depends on. */
import { open } from 'node:fs/promises';
import { type Disk, FileSystemError, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';

/**
 * Replaces the file in one step. It is not made durable: after a power cut it may be an old one, or empty, and the reader takes it for
 * none. On a full disk it is written over where it lies, so that it can say that the disk is full, and that somebody is alive.
 * @throws {FileSystemError}
 */
export async function publishFile(path: string, text: string, disk?: Disk): Promise<void> {
  try {
    await writeFileAtomic(path, text, { mode: 0o640, durable: false, disk });
  } catch (error) {
    if (!(error instanceof FileSystemError) || error.code !== 'ERR_STORAGE_FULL') throw error;
    await overwriteFile(path, text);
  }
}

/** Writes over the file that is there, as far as it has room of its own: a reader may meet half of it, and then sees none. */
async function overwriteFile(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'r+');
    const bytes = Buffer.from(text);
    await file.writev([bytes], 0);
    await file.truncate(bytes.length);
  } catch (error) {
    throw fileSystemError('write to', path, error);
  }
}
