/** Small files that are always whole: the old content or the new one, never something between, also after a power cut. */
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { type Disk, nodeDisk } from './disk.ts';
import { durableRename, renameFile } from './durable-rename.ts';
import { fileSystemError, syncError } from './errors.ts';
import { syncParent } from './sync.ts';
import { writeAll } from './transfer.ts';

/** Choices for {@link writeFileAtomic}. */
export interface WriteFileAtomicOptions {
  /** Permission bits of the file; 0600 unless given. */
  readonly mode?: number | undefined;
  /**
   * Whether the new content must survive a power cut; true unless given. False still replaces the file in one step for
   * every reader, and suits state that is worthless after a crash of the machine.
   */
  readonly durable?: boolean | undefined;
  /** Where the file is; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/**
 * Replaces the content of a file in one step, by way of a temporary file beside it (`.NAME.UUID.tmp`: a PID would not do,
 * since every container has a process 1, and a left-over of a crash must not be in the way).
 * @throws {FileSystemError} when a step fails; the old content is then still there and the temporary file gone. Only
 * `ERR_SYNC_FAILED` can also mean that the new content is there, and not durable.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: WriteFileAtomicOptions = {},
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  const { disk = nodeDisk } = options;
  try {
    await writeNew(temporary, content, options);
    if (options.durable === false) await renameFile(temporary, path, disk);
    else await durableRename(temporary, path, { contentIsDurable: true, disk });
  } catch (error) {
    await disk.unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/**
 * Appends to a file (made with mode 0600 when it is not there) and returns when the bytes and the entry of a new file are durable.
 * @throws {FileSystemError} when a step fails; part of the bytes may be there then.
 */
export async function appendDurably(path: string, content: string | Uint8Array, disk: Disk = nodeDisk): Promise<void> {
  let isNew = false;
  try {
    await using file = await disk.open(path, 'a', 0o600);
    isNew = (await file.stat()).size === 0;
    await writeAll(file, [bytesOf(content)]);
    await file.datasync().catch((error: unknown) => {
      throw syncError(path, error);
    });
  } catch (error) {
    throw fileSystemError('append to', path, error);
  }
  if (isNew) await syncParent(path, disk);
}

/**
 * Writes bytes that a file has, over themselves, and returns when they and the entry of the file are durable. That they can be read
 * does not say so: after a failed fsync they may be nowhere but in the cache of the kernel, which takes them for written.
 * @throws {FileSystemError} when a step fails
 */
export async function rewriteDurably(path: string, bytes: Uint8Array, position: number, disk: Disk = nodeDisk): Promise<void> {
  try {
    await using file = await disk.open(path, 'r+');
    await writeAll(file, [bytes], position);
    await file.datasync().catch((error: unknown) => {
      throw syncError(path, error);
    });
  } catch (error) {
    throw fileSystemError('write to', path, error);
  }
  await syncParent(path, disk);
}

async function writeNew(path: string, content: string | Uint8Array, options: WriteFileAtomicOptions): Promise<void> {
  const { mode = 0o600, durable = true, disk = nodeDisk } = options;
  try {
    await using file = await disk.open(path, 'wx', mode);
    await writeAll(file, [bytesOf(content)], 0);
    if (!durable) return;
    await file.sync().catch((error: unknown) => {
      throw syncError(path, error);
    });
  } catch (error) {
    throw fileSystemError('write', path, error);
  }
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content;
}
