/** The end of a log file. */
import { open } from 'node:fs/promises';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';

/** Lines are cut after so many bytes of them all. */
const mostBytes = 64 * 1024;

/**
 * The last lines of a file, at most 64 KiB of them; none when it is not there.
 * @throws {FileSystemError} when it is there and cannot be read
 */
export async function tailOf(path: string, lines: number): Promise<readonly string[]> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const from = Math.max(0, size - mostBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, mostBytes)), 0, undefined, from);
    const whole = buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .filter((line) => line !== '');
    // The first one may have lost its beginning.
    return (from > 0 ? whole.slice(1) : whole).slice(-lines);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileSystemError('read', path, error);
  }
}
