/** From content to what is stored, whatever the compression. The libraries are loaded when they are first needed. */
import { pipeline, Readable } from 'node:stream';
import { CodecProgramError } from '../errors.ts';
import type { Compression, CompressionMethod } from './codec.ts';
import { customFilter } from './custom-filter.ts';
import { lz4Encode } from './lz4.ts';
import { programEncode } from './program-codecs.ts';
import type { ContentThreads } from './content-threads.ts';
import { isInPath } from './run-program.ts';
import { snappyEncode } from './snappy.ts';
import { zlibCompress, zlibCompressor } from './zlib-codecs.ts';

/**
 * Compresses content of any length. The chunks given out belong to the caller, those taken in are used up before the next pull.
 * @throws {CodecProgramError} when a program or filter is missing or fails
 * @throws what the source throws, or the reason of the signal
 */
export function encode(compression: Compression, source: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncIterable<Buffer> {
  return encoded(compression, signal === undefined ? source : unlessAborted(source, signal), signal);
}

/**
 * Compresses content that is in memory as a whole, up to 64 MiB, beside the main thread where that can be. The result is the
 * caller's, and so is the content all the time; it must not change meanwhile.
 * @param threads do it where they can
 * @throws {CodecProgramError}
 */
export async function encodeWhole(compression: Compression, content: Buffer, threads?: ContentThreads): Promise<Buffer> {
  const { method, level } = compression;
  if (method === 'none') return content;
  if (method === 'gzip' || method === 'pygzip' || method === 'zstd') {
    const codec = method === 'zstd' ? method : 'gzip';
    return threads === undefined ? zlibCompress(codec, level, content) : threads.compress(codec, level, content);
  }
  const piece = onePiece(content);
  const chunks: Buffer[] = [];
  for await (const chunk of method === 'lz4' ? lz4Encode(piece, content.length) : encode(compression, piece)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What a configured compression comes to on this machine. */
export interface UsableCompression {
  readonly compression: Compression;
  /** What is not as it was configured, in words to be said once. */
  readonly notice: string | undefined;
}

/**
 * Looks for the program that a compression needs, before any file is touched. Without pigz its files are written in-process.
 * @throws {CodecProgramError} `ERR_CODEC_PROGRAM_MISSING`
 */
export async function usableCompression(compression: Compression): Promise<UsableCompression> {
  const program = programs[compression.method];
  if (program === undefined || (await isInPath(program))) return { compression, notice: undefined };
  if (compression.method !== 'pigz') throw CodecProgramError.missing(program);
  const notice = 'the program pigz is not installed: gzip files are written without it, which other programs read just as well';
  return { compression: { ...compression, method: 'gzip' }, notice };
}

const programs: Readonly<Partial<Record<CompressionMethod, string>>> = {
  bzip2: 'bzip2',
  pybzip2: 'bzip2',
  xz: 'xz',
  pigz: 'pigz',
};

function encoded(compression: Compression, source: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncIterable<Buffer> {
  const { method, level, custom } = compression;
  switch (method) {
    case 'none':
      return source;
    case 'gzip':
    case 'pygzip':
      return throughStream(source, 'gzip', level);
    case 'zstd':
      return throughStream(source, 'zstd', level);
    case 'lz4':
      return lz4Encode(source);
    case 'snappy':
      return snappyEncode(source);
    case 'pigz':
    case 'xz':
    case 'bzip2':
      return programEncode(method, level, source, signal);
    case 'pybzip2':
      return programEncode('bzip2', level, source, signal);
    case 'custom':
      if (custom === undefined) throw new TypeError('method "custom" without filters');
      return customFilter(custom.filter, source, signal);
  }
}

function throughStream(source: AsyncIterable<Buffer>, codec: 'gzip' | 'zstd', level: number | undefined): AsyncIterable<Buffer> {
  return pipeline(Readable.from(source, { objectMode: false }), zlibCompressor(codec, level), () => undefined);
}

async function* unlessAborted(source: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}

async function* onePiece(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield content;
}
