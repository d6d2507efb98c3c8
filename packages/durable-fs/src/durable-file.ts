/**
 * A file of fixed size that is written in order and synced now and then: a WAL segment on its way.
 *
 * The file has its full size from the start, so a reader never meets a short one and either tool (walvault,
 * pg_receivewal) can go on with it. Bytes that were not written yet read as zeros.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { durableRename } from './durable-rename.ts';
import { fileSystemError, syncError } from './errors.ts';
import { syncParent } from './sync.ts';

/** What to open with {@link DurableFile.open}. */
export interface DurableFileOptions {
  readonly path: string;
  /** Size in bytes that the file gets when it is new, empty or too short. */
  readonly size: number;
  /** Permission bits of a new file; 0600 unless given. */
  readonly mode?: number | undefined;
  /** The file must be there already, in its full size: what is in it is relied on. False unless given. */
  readonly mustExist?: boolean | undefined;
}

/** An open file whose writes become durable with {@link DurableFile.sync} or {@link DurableFile.completeAs}. */
export class DurableFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  #entryIsDurable = false;
  #closed = false;
  #failed: unknown;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /**
   * Opens the file, or makes it. A file that is shorter than `size` is filled up with zeros; what it holds stays.
   * @throws {FileSystemError} when a step fails, the file is longer than `size`, or `mustExist` does not hold.
   */
  static async open(options: DurableFileOptions): Promise<DurableFile> {
    const { path, size, mode = 0o600, mustExist = false } = options;
    const flags = mustExist ? constants.O_RDWR : constants.O_RDWR | constants.O_CREAT;
    const handle = await open(path, flags, mode).catch((error: unknown) => {
      throw fileSystemError('open', path, error);
    });
    try {
      const { size: found } = await handle.stat();
      if (found > size || (mustExist && found < size)) throw new Error(`it has ${found} bytes instead of ${size}`);
      if (found < size) await handle.truncate(size);
      return new DurableFile(path, handle);
    } catch (error) {
      await handle.close().catch(() => undefined); // what went wrong before says more
      throw fileSystemError('use', path, error);
    }
  }

  /**
   * Writes the buffers one after another from `position` (bytes from the start of the file) and returns when the
   * kernel has them all; they are not durable yet. The buffers belong to the caller again when this settles.
   * @throws {FileSystemError} when not everything could be written; how much was is not known then.
   */
  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    try {
      let rest = buffers;
      let at = position;
      while (rest.length > 0) {
        const { bytesWritten } = await this.#handle.writev(rest, at);
        at += bytesWritten;
        rest = dropBytes(rest, bytesWritten);
      }
    } catch (error) {
      throw fileSystemError('write to', this.path, error);
    }
  }

  /**
   * Makes durable what was written before this call, and the entry of the file in its directory.
   * @throws {FileSystemError} `ERR_SYNC_FAILED`; after that every further sync fails too, since the kernel's word cannot
   * be trusted for this file any more.
   */
  async sync(): Promise<void> {
    await this.#syncContent();
    if (this.#entryIsDurable) return;
    await syncParent(this.path);
    this.#entryIsDurable = true;
  }

  /**
   * Makes the content durable, closes the file and gives it its final name in the same directory. When this returns, the
   * content and the name are durable; at no moment does the final name stand for content that is not.
   * @throws {FileSystemError} when a step fails.
   */
  async completeAs(path: string): Promise<void> {
    await this.#syncContent();
    await this[Symbol.asyncDispose]();
    await durableRename(this.path, path, { contentIsDurable: true });
  }

  /**
   * Closes the file without syncing it. Can be called again.
   * @throws {FileSystemError} when the system reports an error on closing it.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close().catch((error: unknown) => {
      throw fileSystemError('close', this.path, error);
    });
  }

  async #syncContent(): Promise<void> {
    if (this.#failed !== undefined) throw syncError(this.path, this.#failed);
    try {
      await this.#handle.datasync();
    } catch (error) {
      this.#failed = error;
      throw syncError(this.path, error);
    }
  }
}

/** The buffers without their first `count` bytes. */
function dropBytes(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(index + 1)];
    left -= buffer.length;
  }
  return [];
}
