/** New files made of chunks, for content that gets its final name only when it has been looked at. */
import { type Disk, nodeDisk } from './disk.ts';
import { errnoOf, fileSystemError } from './errors.ts';
import { writeAll } from './transfer.ts';

/** Choices for {@link writeNewFile}. */
export interface WriteNewFileOptions {
  /** Permission bits of the file; 0600 unless given. */
  readonly mode?: number | undefined;
  /** Where the file is; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/**
 * Makes a file, which must not be there yet, and writes the chunks to it one after another. It is not durable when this returns:
 * that comes with {@link durableRename}. A file that could not be finished stays, for the caller to remove.
 * @throws {FileSystemError} when it cannot be made or written; what the chunks throw, as it is
 */
export async function writeNewFile(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: WriteNewFileOptions = {},
): Promise<void> {
  const { mode = 0o600, disk = nodeDisk } = options;
  const wrap = (error: unknown): never => {
    throw fileSystemError(errnoOf(error) === 'EEXIST' ? 'create' : 'write to', path, error);
  };
  const file = await disk.open(path, 'wx', mode).catch(wrap);
  try {
    let position = 0;
    for await (const chunk of chunks) {
      if (chunk.length === 0) continue;
      await writeAll(file, [chunk], position).catch(wrap);
      position += chunk.length;
    }
  } catch (error) {
    await file.close().catch(() => undefined); // what went wrong before says more
    throw error;
  }
  await file.close().catch(wrap);
}
