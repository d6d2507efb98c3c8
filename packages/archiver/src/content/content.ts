/**
 * The content of a file as it was before compression, as chunks.
 *
 * A file is opened once and read through its handle, so that it stays readable when it is moved or removed meanwhile.
 */
import { constants } from 'node:fs';
import { type Disk, type DiskFile, errnoOf, type ExactFileFacts, fileSystemError, nodeDisk } from '@walvault/durable-fs';
import { defaultWalSegmentSize, WalvaultError } from '@walvault/wal';
import { type ArchivedCodec, codecMagicLength, type CustomFilters, identifyCodec } from './codec.ts';
import { decode } from './decode.ts';
import type { SpareMemory } from './spare-memory.ts';
import type { StoredBytes } from './stored-bytes.ts';
import { WalFileError } from '../errors.ts';

const readSize = 512 * 1024;

/** What is not longer may be held in memory as a whole: segments of 16 MiB, as most servers have them, and up to four times that. */
export const wholeLimitBytes: number = 64 * 1024 * 1024;
/** Without O_NONBLOCK whoever opens a pipe waits, perhaps for ever, until somebody writes to it. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/** How to open a file. */
export interface OpenOptions {
  readonly custom?: CustomFilters | undefined;
  /** Where the memory for {@link ContentFile.whole} is borrowed; it is new unless given. */
  readonly memory?: SpareMemory | undefined;
  /** Where the file is; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/** An open file whose content can be read, again and again, until it is disposed of. */
export class ContentFile implements AsyncDisposable, StoredBytes {
  readonly path: string;
  /** The file as it was when it was opened. */
  readonly stats: ExactFileFacts;
  /** How it is compressed, if it is. */
  readonly codec: ArchivedCodec | undefined;
  readonly #handle: DiskFile;
  readonly #custom: CustomFilters | undefined;
  readonly #memory: SpareMemory | undefined;
  readonly #borrowed: Buffer[] = [];

  private constructor(
    path: string,
    handle: DiskFile,
    seen: { stats: ExactFileFacts; head: Buffer },
    { custom, memory }: OpenOptions,
  ) {
    this.path = path;
    this.#handle = handle;
    this.stats = seen.stats;
    this.codec = identifyCodec(seen.head, custom);
    this.#custom = custom;
    this.#memory = memory;
  }

  /** Size of the file itself in bytes. */
  get size(): number {
    return Number(this.stats.size);
  }

  /**
   * Opens a file and finds out how it is compressed.
   * @param options.custom the filters of the configuration, for files that they compressed
   * @returns undefined when there is no such file.
   * @throws {FileSystemError} when it cannot be opened or read, or is a directory, a pipe or the like.
   */
  static async open(path: string, options: OpenOptions = {}): Promise<ContentFile | undefined> {
    let handle: DiskFile | undefined;
    try {
      handle = await (options.disk ?? nodeDisk).open(path, openFlags);
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) throw new Error('it is no file');
      const buffer = Buffer.alloc(codecMagicLength);
      const { bytesRead } = await handle.read(buffer, 0, codecMagicLength, 0);
      return new ContentFile(path, handle, { stats, head: buffer.subarray(0, bytesRead) }, options);
    } catch (error) {
      await handle?.close().catch(() => undefined);
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fileSystemError('read', path, error);
    }
  }

  /**
   * The decompressed content from its start. The chunks belong to the caller.
   * @throws {WalFileError} `ERR_WAL_FILE_CORRUPT` where it cannot be decompressed, or something stands behind the content
   * @throws {CodecProgramError} where the program or filter that decompresses it is missing or fails
   * @throws {FileSystemError} where it cannot be read
   */
  async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    if (this.codec === undefined) return yield* this.from(0);
    try {
      for await (const chunk of decode(this.codec, this, this.#custom)) yield chunk;
    } catch (error) {
      throw decodeError(this.path, error);
    }
  }

  /** The file as it is, compressed or not, from `position` to its end. The chunks belong to the caller. @throws {FileSystemError} */
  async *from(start: number): AsyncGenerator<Buffer, void, undefined> {
    for (let position = start; ; ) {
      const buffer = await this.#read(position);
      if (buffer.length === 0) return;
      yield buffer;
      position += buffer.length;
    }
  }

  /**
   * Reads a piece of the file as it is, compressed or not, into a buffer of the caller.
   * @returns how many bytes there were; 0 behind the end
   * @throws {FileSystemError}
   */
  async readInto(buffer: Buffer, position: number): Promise<number> {
    return (await this.#readInto(buffer, 0, buffer.length, position)).bytesRead;
  }

  /** The whole file as it is, compressed or not. It is the caller's. @throws {FileSystemError} */
  async stored(): Promise<Buffer> {
    return this.#fill(Buffer.allocUnsafeSlow(this.size));
  }

  /**
   * The whole decompressed content in one piece, which stays as it is until the file is disposed of; undefined when it is longer than
   * `limit` bytes.
   * @param expected bytes that it probably has
   * @throws as {@link bytes}
   */
  async whole(limit: number = wholeLimitBytes, expected: number = defaultWalSegmentSize): Promise<Buffer | undefined> {
    if (this.codec === undefined) return this.size > limit ? undefined : this.#readInOnePiece();
    if ((this.codec === 'gzip' || this.codec === 'zstd') && this.size <= limit) {
      const { zlibDecodeWhole } = await import('./zlib-codecs.ts');
      const content = await zlibDecodeWhole(this.codec, await this.#readInOnePiece(), { expected, limit });
      if (content !== undefined) return content;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.bytes()) {
      length += chunk.length;
      if (length > limit) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length);
  }

  /** Up to `length` bytes from the start of the content; fewer only when there are no more. */
  async head(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let have = 0;
    for await (const chunk of this.bytes()) {
      chunks.push(chunk);
      have += chunk.length;
      if (have >= length) break;
    }
    return Buffer.concat(chunks).subarray(0, length);
  }

  /** Closes the file. It was opened to read: nothing hangs on what the system says to that. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    for (const buffer of this.#borrowed.splice(0)) this.#memory?.give(buffer);
  }

  async #readInOnePiece(): Promise<Buffer> {
    const buffer = this.#memory?.take(this.size) ?? Buffer.allocUnsafeSlow(this.size);
    this.#borrowed.push(buffer);
    return this.#fill(buffer);
  }

  /** With the file from its start; what is given back is as long as the file is. */
  async #fill(buffer: Buffer): Promise<Buffer> {
    for (let filled = 0; ; ) {
      const { bytesRead } = await this.#readInto(buffer, filled, buffer.length - filled, filled);
      filled += bytesRead;
      if (bytesRead === 0 || filled === buffer.length) return buffer.subarray(0, filled);
    }
  }

  async #read(position: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(readSize);
    const { bytesRead } = await this.#readInto(buffer, 0, readSize, position);
    return buffer.subarray(0, bytesRead);
  }

  async #readInto(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }> {
    try {
      return await this.#handle.read(buffer, offset, length, position);
    } catch (error) {
      throw fileSystemError('read', this.path, error);
    }
  }
}

/** Whether two sequences of chunks have the same bytes, however they are cut. Stops at the first difference. */
export async function sameBytes(one: AsyncIterable<Buffer> | Iterable<Buffer>, other: AsyncIterable<Buffer>): Promise<boolean> {
  const others = other[Symbol.asyncIterator]();
  try {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of one) {
      for (let at = 0; at < chunk.length; ) {
        if (rest.length === 0) {
          const next = await others.next();
          if (next.done === true) return false;
          rest = next.value;
        }
        const count = Math.min(chunk.length - at, rest.length);
        if (chunk.compare(rest, 0, count, at, at + count) !== 0) return false;
        rest = rest.subarray(count);
        at += count;
      }
    }
    return rest.length === 0 && (await isAtEnd(others));
  } finally {
    await others.return?.();
  }
}

async function isAtEnd(chunks: AsyncIterator<Buffer>): Promise<boolean> {
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return true;
    if (next.value.length > 0) return false;
  }
}

/** What the libraries say when there is no memory: nothing is wrong with the file. */
const shortages = [
  'Z_MEM_ERROR',
  'ZSTD_error_memory_allocation',
  'ERR_ZLIB_INITIALIZATION_FAILED',
  'ERR_MEMORY_ALLOCATION_FAILED',
  'ENOMEM',
];

/** The libraries of the codecs give their errors a code; what has none is a defect. */
function decodeError(path: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (WalvaultError.is(error) || code === undefined) return error;
  if (shortages.includes(code)) return fileSystemError('decompress', path, error);
  return new WalFileError('ERR_WAL_FILE_CORRUPT', path, 'cannot be decompressed', {
    hint: 'The file is damaged; look for another copy of it.',
    cause: error,
  });
}
