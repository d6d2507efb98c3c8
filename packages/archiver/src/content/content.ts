/**
 * The content of a file as it was before compression, as chunks.
 *
 * A file is opened once and read through its handle, so that it stays readable when it is moved or removed meanwhile.
 */
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { codecMagicLength, decompressor, identifyCodec, type StoredCodec } from './codec.ts';
import { WalFileError } from '../errors.ts';

const readSize = 512 * 1024;

/** An open file whose content can be read, again and again, until it is disposed of. */
export class ContentFile implements AsyncDisposable {
  readonly path: string;
  /** The file as it was when it was opened. */
  readonly stats: BigIntStats;
  /** How it is compressed, if it is. */
  readonly codec: StoredCodec | undefined;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, stats: BigIntStats, codec: StoredCodec | undefined) {
    this.path = path;
    this.#handle = handle;
    this.stats = stats;
    this.codec = codec;
  }

  /** Size of the file itself in bytes. */
  get size(): number {
    return Number(this.stats.size);
  }

  /**
   * Opens a file and finds out how it is compressed.
   * @returns undefined when there is no such file.
   * @throws {FileSystemError} when it cannot be opened or read.
   */
  static async open(path: string): Promise<ContentFile | undefined> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(codecMagicLength), 0, codecMagicLength, 0);
      const stats = await handle.stat({ bigint: true });
      return new ContentFile(path, handle, stats, identifyCodec(buffer.subarray(0, bytesRead)));
    } catch (error) {
      await handle?.close();
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw readError(path, error);
    }
  }

  /**
   * The decompressed content from its start. The chunks belong to the caller.
   * @throws {WalFileError} `ERR_WAL_FILE_CORRUPT` where it cannot be decompressed, `ERR_CODEC_UNSUPPORTED`
   * @throws {FileSystemError} where it cannot be read
   */
  async *bytes(): AsyncGenerator<Buffer, void, undefined> {
    const raw = this.#rawBytes();
    try {
      const content = this.codec === undefined ? raw : this.#decompressed(raw, this.codec);
      for await (const chunk of content) yield chunk;
    } catch (error) {
      throw readError(this.path, error);
    }
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

  /** Closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  #decompressed(raw: AsyncIterable<Buffer>, codec: StoredCodec): AsyncIterable<Buffer> {
    const stream = decompressor(codec, this.path);
    return pipeline(Readable.from(raw, { objectMode: false }), stream, () => undefined);
  }

  async *#rawBytes(): AsyncGenerator<Buffer, void, undefined> {
    for (let position = 0; ; ) {
      const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(readSize), 0, readSize, position);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  }
}

/** Whether two sequences of chunks have the same bytes, however they are cut. Stops at the first difference. */
export async function sameBytes(one: AsyncIterable<Buffer>, other: AsyncIterable<Buffer>): Promise<boolean> {
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

/** Tells damaged compression (zlib and zstd name their errors `Z_...` and `ZSTD_...`) from trouble with the disk. */
function readError(path: string, error: unknown): Error {
  if (error instanceof WalFileError) return error;
  if (/^Z(STD)?_/.test(errnoOf(error) ?? '')) {
    return new WalFileError('ERR_WAL_FILE_CORRUPT', path, 'cannot be decompressed', {
      hint: 'The file is damaged; look for another copy of it.',
      cause: error,
    });
  }
  return fileSystemError('read', path, error);
}
