/** Directories that are still there after a power cut. */
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileSystemError, syncParent } from '@walvault/durable-fs';

/**
 * Makes a directory and those above it that are missing, each durable in the one above.
 * @throws {FileSystemError}
 */
export async function makeDirectory(path: string): Promise<void> {
  const wanted = resolve(path);
  const first = await mkdir(wanted, { recursive: true, mode: 0o755 }).catch((error: unknown) => {
    throw fileSystemError('create the directory', wanted, error);
  });
  if (first === undefined) return;
  for (let made = wanted; made.length >= first.length; made = dirname(made)) await syncParent(made);
}
