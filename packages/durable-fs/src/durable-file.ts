/**
 * A file of fixed size that is written in order and synced now and then: a WAL segment on its way.
 *
 * The file has its full size from the start, so a reader never meets a short one and either tool (walvault,
 * pg_receivewal) can go on with it. Bytes that were not written yet read as zeros.
 */
import { constants, fdatasyncSync } from 'node:fs';
import { type Disk, type DiskFile, nodeDisk } from './disk.ts';
import { durableRename, renameFile } from './durable-rename.ts';
import { fileSystemError, syncError } from './errors.ts';
import { syncParent } from './sync.ts';
import { readAll, writeAll } from './transfer.ts';

/** What to open with {@link DurableFile.open}. */
export interface DurableFileOptions {
  readonly path: string;
  /** Size in bytes that the file gets when it is new, empty or too short. */
  readonly size: number;
  /** Permission bits of a new file; 0600 unless given. */
  readonly mode?: number | undefined;
  /** The file must be there already, in its full size: what is in it is relied on. False unless given. */
  readonly mustExist?: boolean | undefined;
  /** Where the file is; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/** Zeros to fill files with, in pieces of this size. Made when they are first needed. */
const fillPieceBytes = 1024 * 1024;
let zeros: Uint8Array | undefined;

/** An open file whose writes become durable with {@link DurableFile.sync} or {@link DurableFile.completeAs}. */
export class DurableFile implements AsyncDisposable {
  readonly #disk: Disk;
  readonly #file: DiskFile;
  /** The entry in the directory: another object each time the file moves, also back to a name it had. */
  #entry: { readonly path: string };
  #durableEntry: { readonly path: string } | undefined;
  #closed = false;
  #failed: unknown;

  private constructor(path: string, file: DiskFile, disk: Disk) {
    this.#entry = { path };
    this.#file = file;
    this.#disk = disk;
  }

  /** Where the file is now: where it was opened, or moved to. */
  get path(): string {
    return this.#entry.path;
  }

  /**
   * Opens the file, or makes it. A file that is shorter than `size` is filled up with zeros; what it holds stays.
   * @throws {FileSystemError} when a step fails, the file is longer than `size`, or `mustExist` does not hold.
   */
  static async open(options: DurableFileOptions): Promise<DurableFile> {
    const { path, size, mode = 0o600, mustExist = false, disk = nodeDisk } = options;
    const flags = mustExist ? constants.O_RDWR : constants.O_RDWR | constants.O_CREAT;
    const file = await disk.open(path, flags, mode).catch((error: unknown) => {
      throw fileSystemError('open', path, error);
    });
    try {
      const { size: found } = await file.stat();
      if (found > size || (mustExist && found < size)) throw new Error(`it has ${found} bytes instead of ${size}`);
      if (found < size) await file.truncate(size);
      return new DurableFile(path, file, disk);
    } catch (error) {
      await file.close().catch(() => undefined); // what went wrong before says more
      throw fileSystemError('use', path, error);
    }
  }

  /**
   * Writes the buffers one after another from `position` (bytes from the start of the file) and returns when the
   * kernel has them all; they are not durable yet. The buffers belong to the caller again when this settles.
   * @param inPlace let this thread do it, when it is little, instead of another one; see {@link DurableFile.sync}
   * @throws {FileSystemError} when not everything could be written; how much was is not known then.
   */
  async write(buffers: readonly Uint8Array[], position: number, inPlace = false): Promise<void> {
    try {
      await writeAll(this.#file, buffers, position, inPlace);
    } catch (error) {
      throw fileSystemError('write to', this.path, error);
    }
  }

  /**
   * Writes zeros from `from` up to `to` (bytes from the start of the file), a MiB at a time: blocks that are written
   * already need no change of the file system's books when the real bytes are synced later. Not durable yet.
   * @param signal ends it between two pieces
   * @throws {FileSystemError} when not everything could be written, or the reason of the signal.
   */
  async fill(from: number, to: number, signal?: AbortSignal): Promise<void> {
    zeros ??= new Uint8Array(fillPieceBytes);
    for (let at = from; at < to; at += fillPieceBytes) {
      signal?.throwIfAborted();
      await this.write([zeros.subarray(0, Math.min(fillPieceBytes, to - at))], at);
    }
  }

  /**
   * Reads from `position` until the buffer is full or the file ends, and gives the number of bytes read.
   * @throws {FileSystemError} when it cannot be read.
   */
  async read(buffer: Uint8Array, position: number): Promise<number> {
    try {
      return await readAll(this.#file, buffer, position);
    } catch (error) {
      throw fileSystemError('read', this.path, error);
    }
  }

  /**
   * Makes durable what was written before this call, and the name that the file has when it is called.
   * @throws {FileSystemError} `ERR_SYNC_FAILED`; after that every further sync fails too, since the kernel's word cannot
   * be trusted for this file any more.
   * @param inPlace let this thread wait for the disk instead of another one: sooner done when the disk is quick and there is little to
   * write, but nothing else happens in the process meanwhile. A disk that is no real one takes no notice.
   */
  async sync(inPlace = false): Promise<void> {
    const entry = this.#entry; // the file may move while this waits
    await this.#syncContent(inPlace);
    if (this.#durableEntry === entry) return;
    await syncParent(entry.path, this.#disk);
    this.#durableEntry = entry;
  }

  /**
   * Gives the open file another name in the same directory, in place of what has it now; content and name become durable
   * with the next {@link DurableFile.sync}. Until then a crash can leave either name, whatever the file holds.
   * @throws {FileSystemError} when it cannot be renamed.
   */
  async moveTo(path: string): Promise<void> {
    await renameFile(this.path, path, this.#disk);
    this.#entry = { path };
  }

  /**
   * Makes the content durable, closes the file and gives it its final name in the same directory. When this returns, the
   * content and the name are durable; at no moment does the final name stand for content that is not.
   * @throws {FileSystemError} when a step fails.
   */
  async completeAs(path: string): Promise<void> {
    await this.#syncContent();
    await this[Symbol.asyncDispose]();
    await durableRename(this.path, path, { contentIsDurable: true, disk: this.#disk });
  }

  /**
   * Closes the file without syncing it. Can be called again.
   * @throws {FileSystemError} when the system reports an error on closing it.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close().catch((error: unknown) => {
      throw fileSystemError('close', this.path, error);
    });
  }

  async #syncContent(inPlace = false): Promise<void> {
    if (this.#failed !== undefined) throw syncError(this.path, this.#failed);
    try {
      if (inPlace && this.#file.fd !== undefined) fdatasyncSync(this.#file.fd);
      else await this.#file.datasync();
    } catch (error) {
      this.#failed = error;
      throw syncError(this.path, error);
    }
  }
}
