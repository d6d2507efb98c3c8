/**
 * lz4: frames (doc/lz4_Frame_format.md of lz4), as the lz4 program, pg_receivewal and Barman write them; blocks are left to lz4-napi.
 *
 * Frames are read here, block by block, for two reasons: the library takes a file that was cut behind a block, or has something
 * behind its frame, for a good one; and a segment may be too large to be held in memory at once.
 */
import { WalFileError } from '../errors.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { StoredBytes } from './stored-bytes.ts';
import { Xxh32 } from './xxh32.ts';

const frameMagic = 0x18_4d_22_04;
/** Magic of a frame to skip, but for its last four bits. */
const skippedMagic = 0x18_4d_2a_50;
/** A block may refer to as many bytes before it, where blocks are linked. */
const windowBytes = 64 * 1024;
/** A frame is made of so much content: the library takes it as one piece. */
const frameBytes = 16 * 1024 * 1024;

/** Compresses up to a few ten MiB at once, beside the main thread, with a checksum of the content. There are no levels. */
export async function lz4Compress(content: Buffer): Promise<Buffer> {
  const { compressFrame } = await import('lz4-napi');
  return compressFrame(content, { contentChecksum: true });
}

/** Compresses, as one or more frames. */
export async function* lz4Encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  await using reader = new ChunkReader(source);
  let piece = await reader.take(frameBytes);
  do {
    yield await lz4Compress(piece);
    piece = await reader.take(frameBytes);
  } while (piece.length > 0);
}

/** Decompresses. @throws {WalFileError} `ERR_WAL_FILE_CORRUPT` */
export async function* lz4Decode(stored: StoredBytes): AsyncGenerator<Buffer, void, undefined> {
  await using reader = new ChunkReader(stored.from(0));
  const take = async (length: number): Promise<Buffer> => {
    const bytes = await reader.take(length);
    if (bytes.length < length) throw damaged(stored.path, 'ends in the middle of an lz4 frame');
    return bytes;
  };
  for (let start = await reader.take(4); start.length > 0; start = await reader.take(4)) {
    const magic = start.length < 4 ? undefined : start.readUInt32LE(0);
    if (magic === frameMagic) yield* frameContent(take, stored.path);
    else if (magic !== undefined && (magic & 0xff_ff_ff_f0) === skippedMagic) await take((await take(4)).readUInt32LE(0));
    else throw damaged(stored.path, 'has something behind its lz4 frame');
  }
}

type Take = (length: number) => Promise<Buffer>;

interface FrameHeader {
  readonly blocksAreLinked: boolean;
  readonly blocksHaveChecksum: boolean;
  readonly hasChecksum: boolean;
  readonly contentBytes: bigint | undefined;
  /** No block holds more content. */
  readonly blockBytes: number;
}

async function* frameContent(take: Take, path: string): AsyncGenerator<Buffer, void, undefined> {
  const header = await readHeader(take, path);
  const { uncompress } = await import('lz4-napi');
  const hash = new Xxh32();
  let length = 0;
  let window: Buffer = Buffer.alloc(0);
  for (let word = (await take(4)).readUInt32LE(0); word !== 0; word = (await take(4)).readUInt32LE(0)) {
    const isStored = word >>> 31 === 1;
    const size = (word & 0x7f_ff_ff_ff) >>> 0;
    if (size > header.blockBytes) throw damaged(path, `has an lz4 block of ${size} bytes`);
    const block = await take(size);
    if (header.blocksHaveChecksum) expectChecksum(block, await take(4), path);
    const content = isStored ? block : await uncompress(withRoomFor(block, header.blockBytes), window);
    if (header.blocksAreLinked) window = Buffer.concat([window, content]).subarray(-windowBytes);
    hash.update(content);
    length += content.length;
    yield content;
  }
  if (header.hasChecksum && (await take(4)).readUInt32LE(0) !== hash.digest()) throw damaged(path, 'has another lz4 checksum');
  if (header.contentBytes !== undefined && header.contentBytes !== BigInt(length))
    throw damaged(path, `holds ${length} bytes, and its lz4 header says ${header.contentBytes}`);
}

async function readHeader(take: Take, path: string): Promise<FrameHeader> {
  const start = await take(2);
  const flags = start.readUInt8(0);
  const size = start.readUInt8(1);
  const hasSize = (flags & 0x08) !== 0;
  const rest = await take((hasSize ? 8 : 0) + ((flags & 0x01) === 0 ? 0 : 4));
  const hash = new Xxh32();
  hash.update(Buffer.concat([start, rest]));
  const isRight = (await take(1)).readUInt8(0) === ((hash.digest() >>> 8) & 0xff);
  const blockSizeCode = (size >> 4) & 0x07;
  if (!isRight || flags >> 6 !== 1 || blockSizeCode < 4) throw damaged(path, 'has a damaged lz4 header');
  return {
    blocksAreLinked: (flags & 0x20) === 0,
    blocksHaveChecksum: (flags & 0x10) !== 0,
    hasChecksum: (flags & 0x04) !== 0,
    contentBytes: hasSize ? rest.readBigUInt64LE(0) : undefined,
    blockBytes: 4 ** (blockSizeCode + 4),
  };
}

/** lz4-napi wants the size of the content before the block, and takes a larger one as well. */
function withRoomFor(block: Buffer, bytes: number): Buffer {
  const prefixed = Buffer.allocUnsafe(block.length + 4);
  prefixed.writeUInt32LE(bytes, 0);
  block.copy(prefixed, 4);
  return prefixed;
}

function expectChecksum(block: Buffer, checksum: Buffer, path: string): void {
  const hash = new Xxh32();
  hash.update(block);
  if (hash.digest() !== checksum.readUInt32LE(0)) throw damaged(path, 'has an lz4 block with another checksum');
}

function damaged(path: string, problem: string): WalFileError {
  return new WalFileError('ERR_WAL_FILE_CORRUPT', path, problem, {
    hint: 'The file is damaged; look for another copy of it.',
  });
}
