/**
 * gzip and zstd, by node:zlib.
 *
 * Files that others wrote may hold several gzip members or zstd frames. Node decodes the members, but stops silently behind the
 * first frame, and at zeros behind a member. So decoding goes on where it stopped until the file is used up: what is neither
 * another member or frame is an error then, and nothing comes out short. zstd is written with a checksum; gzip always has one.
 */
import { pipeline, Readable, type Transform } from 'node:stream';
import {
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
  type ZlibOptions,
  type ZstdOptions,
} from 'node:zlib';
import { promisify } from 'node:util';
import { defaultLevels } from './default-levels.ts';
import type { StoredBytes } from './stored-bytes.ts';

/** The two. */
export type ZlibCodec = 'gzip' | 'zstd';

const chunkSize = 256 * 1024;
const roomBehind = 4096;
/** What becomes of 16 MiB mostly fits into two or three of these. Each one costs a way to another thread and back. */
const wholeChunkSize = 1024 * 1024;

/** A stream that compresses. */
export function zlibCompressor(codec: ZlibCodec, level: number | undefined): Transform {
  if (codec === 'gzip') return createGzip({ level: level ?? defaultLevels.gzip, chunkSize });
  return createZstdCompress({ ...zstdOptions(level), chunkSize });
}

/** Compresses at once, beside the main thread. */
export async function zlibCompress(codec: ZlibCodec, level: number | undefined, content: Buffer): Promise<Buffer> {
  if (codec === 'gzip') return promisify(gzip)(content, gzipWhole(level));
  return withoutSpare(await promisify(zstdCompress)(content, zstdWhole(level, content)));
}

/** The same in this thread. */
export function zlibCompressNow(codec: ZlibCodec, level: number | undefined, content: Buffer): Buffer {
  if (codec === 'gzip') return gzipSync(content, gzipWhole(level));
  return withoutSpare(zstdCompressSync(content, zstdWhole(level, content)));
}

/** In memory of its own size; what it had is free at once. A little stays where it is, with others in one memory perhaps. */
function withoutSpare(compressed: Buffer): Buffer {
  const { buffer, byteOffset, length } = compressed;
  const isMuch = buffer.byteLength > Math.max(wholeChunkSize, length * 2);
  if (!isMuch || !(buffer instanceof ArrayBuffer) || byteOffset !== 0) return compressed;
  return Buffer.from(buffer.transfer(length));
}

/** Decompresses. Throws system errors with codes `Z_...` and `ZSTD_...`. */
export async function* zlibDecode(codec: ZlibCodec, stored: StoredBytes): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < stored.size; ) {
    const decoder = codec === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
    const input = Readable.from(stored.from(at), { objectMode: false });
    yield* pipeline(input, decoder, () => undefined) as AsyncIterable<Buffer>;
    at += decoder.bytesWritten;
    if (decoder.bytesWritten === 0) throw Object.assign(new Error('nothing was decoded'), { code: 'Z_DATA_ERROR' });
  }
}

/**
 * Decompresses a file that is held in memory at once, beside the main thread and into one piece: a third of the work of doing it in chunks.
 * @param expected bytes that the content probably has; more is right, too, and slower
 * @returns undefined where that is not enough: there is more than one member or frame, more than `limit` bytes, or damage
 */
export async function zlibDecodeWhole(codec: ZlibCodec, stored: Buffer, sizes: WholeSizes): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const done = (error: Error | null, result: unknown): void => {
      resolve(error === null ? allOf(stored, result) : undefined);
    };
    if (codec === 'gzip') gunzip(stored, decodeWhole(sizes), done);
    else zstdDecompress(stored, decodeWhole(sizes), done);
  });
}

/** The same in this thread. */
export function zlibDecodeNow(codec: ZlibCodec, stored: Buffer, sizes: WholeSizes): Buffer | undefined {
  const options = decodeWhole(sizes);
  try {
    return allOf(stored, codec === 'gzip' ? gunzipSync(stored, options) : zstdDecompressSync(stored, options));
  } catch {
    return undefined;
  }
}

/** What was decoded, if all that is stored was used up for it. */
function allOf(stored: Buffer, result: unknown): Buffer | undefined {
  const { buffer, engine } = result as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
  return engine.bytesWritten === stored.length ? buffer : undefined;
}

/** Sizes of what is decoded into one piece, in bytes. */
export interface WholeSizes {
  readonly expected: number;
  readonly limit: number;
}

/** A little more than expected, or a second piece would be begun for nothing. */
function decodeWhole({ expected, limit }: WholeSizes): Pick<ZlibOptions & ZstdOptions, 'chunkSize' | 'maxOutputLength' | 'info'> {
  return { chunkSize: expected + roomBehind, maxOutputLength: limit, info: true };
}

function gzipWhole(level: number | undefined): ZlibOptions {
  return { level: level ?? defaultLevels.gzip, chunkSize: wholeChunkSize };
}

/** With room for the worst that can become of it the library works on the content where it is, and not on a copy: a fifth less work. */
function zstdWhole(level: number | undefined, { length }: Buffer): ZstdOptions {
  return { ...zstdOptions(level), pledgedSrcSize: length, chunkSize: length + (length >> 8) + roomBehind };
}

function zstdOptions(level: number = defaultLevels.zstd): ZstdOptions {
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;
  // Node takes -1 for a parameter that is not set, which is level 3.
  return { params: { [ZSTD_c_compressionLevel]: level === -1 ? -2 : level, [ZSTD_c_checksumFlag]: 1 } };
}
