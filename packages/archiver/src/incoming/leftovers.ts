/** What a put-wal leaves behind that was killed: its directory, which nobody else looks into. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';

/** How the names of these directories begin. The archiver leaves names alone that begin with a dot. */
export const temporaryPrefix = '.put-wal-';

/** No delivery takes that long. */
const oldMs = 86_400_000;

/** Removes those that nothing was written to for a day. @throws {FileSystemError} */
export async function removeLeftovers(incomingDirectory: string): Promise<void> {
  try {
    for (const name of await readdir(incomingDirectory)) {
      if (!name.startsWith(temporaryPrefix)) continue;
      const path = join(incomingDirectory, name);
      if (await isOld(path)) await rm(path, { recursive: true, force: true });
    }
  } catch (error) {
    throw fileSystemError('clean up', incomingDirectory, error);
  }
}

/** One that is gone is somebody else's, and was not old. */
async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > oldMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
