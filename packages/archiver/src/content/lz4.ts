/**
 * lz4: frames (doc/lz4_Frame_format.md of lz4), as the lz4 program, pg_receivewal and Barman write them, block by block, so that a
 * large segment is never held in memory as a whole. Written are frames with a checksum of the content and blocks that stand alone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WalFileError } from '../errors.ts';
import { ChunkReader } from './chunk-reader.ts';
import { compressBlock, compressedBound, decompressBlock, windowBytes } from './lz4-block.ts';
import type { StoredBytes } from './stored-bytes.ts';
import { Xxh32 } from './xxh32.ts';

const frameMagic = 0x18_4d_22_04;
/** Magic of a frame to skip, but for its last four bits. */
const skippedMagic = 0x18_4d_2a_50;
const flag = {
  version: 0x40,
  independentBlocks: 0x20,
  blockChecksums: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
};
/** Set in the size of a block that is stored as it is. */
const storedBit = 0x80_00_00_00;
/** Content of the blocks that are written: lz4's size 6. */
const blockBytes = 1024 * 1024;
const blockSizeCode = 6;

/**
 * Compresses, as one frame. There are no levels.
 * @param contentBytes length of the content, where it is known: it is written into the header then
 */
export async function* lz4Encode(source: AsyncIterable<Buffer>, contentBytes?: number): AsyncGenerator<Buffer, void, undefined> {
  await using reader = new ChunkReader(source);
  const room = Buffer.allocUnsafe(compressedBound(blockBytes));
  const hash = new Xxh32();
  yield frameHeader(contentBytes);
  for (let block = await reader.take(blockBytes); block.length > 0; block = await reader.take(blockBytes)) {
    hash.update(block);
    const length = compressBlock(block, room);
    const isSmaller = length < block.length;
    yield Buffer.concat([
      word(isSmaller ? length : (block.length | storedBit) >>> 0),
      isSmaller ? room.subarray(0, length) : block,
    ]);
    await nextTurn(); // whatever else this process does goes on between the blocks
  }
  yield Buffer.concat([word(0), word(hash.digest())]);
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
  readonly flags: number;
  readonly contentBytes: bigint | undefined;
  /** No block holds more content. */
  readonly blockBytes: number;
}

async function* frameContent(take: Take, path: string): AsyncGenerator<Buffer, void, undefined> {
  const header = await readHeader(take, path);
  const blocks = new BlockReader(header);
  const hash = new Xxh32();
  let length = 0;
  for (let size = (await take(4)).readUInt32LE(0); size !== 0; size = (await take(4)).readUInt32LE(0)) {
    const bytes = (size & ~storedBit) >>> 0;
    if (bytes > header.blockBytes) throw damaged(path, `has an lz4 block of ${bytes} bytes`);
    const block = await take(bytes);
    if ((header.flags & flag.blockChecksums) !== 0 && (await take(4)).readUInt32LE(0) !== checksumOf(block))
      throw damaged(path, 'has an lz4 block with another checksum');
    const content = blocks.read(block, size >>> 31 === 1);
    if (content === undefined) throw damaged(path, 'has a damaged lz4 block');
    hash.update(content);
    length += content.length;
    yield content;
  }
  if ((header.flags & flag.contentChecksum) !== 0 && (await take(4)).readUInt32LE(0) !== hash.digest())
    throw damaged(path, 'has another lz4 checksum');
  if (header.contentBytes !== undefined && header.contentBytes !== BigInt(length))
    throw damaged(path, `holds ${length} bytes, and its lz4 header says ${header.contentBytes}`);
}

/** Reads the blocks of a frame one after another. Where they are linked, each may refer to the content before it. */
class BlockReader {
  readonly #isLinked: boolean;
  /** The end of the content before, and room for that of a block. */
  readonly #room: Buffer;
  #before = 0;

  constructor(header: FrameHeader) {
    this.#isLinked = (header.flags & flag.independentBlocks) === 0;
    this.#room = Buffer.allocUnsafe(windowBytes + header.blockBytes);
  }

  /** The content, which belongs to the caller; undefined when the block is damaged. */
  read(block: Buffer, isStored: boolean): Buffer | undefined {
    const start = this.#before;
    const end = isStored ? start + block.copy(this.#room, start) : decompressBlock(block, this.#room, start);
    if (end === undefined) return undefined;
    const content = Buffer.from(this.#room.subarray(start, end));
    if (this.#isLinked) {
      this.#before = Math.min(end, windowBytes);
      this.#room.copyWithin(0, end - this.#before, end);
    }
    return content;
  }
}

async function readHeader(take: Take, path: string): Promise<FrameHeader> {
  const start = await take(2);
  const flags = start.readUInt8(0);
  const sizeCode = (start.readUInt8(1) >> 4) & 0x07;
  const hasSize = (flags & flag.contentSize) !== 0;
  const rest = await take((hasSize ? 8 : 0) + ((flags & flag.dictionary) === 0 ? 0 : 4));
  const isRight = (await take(1)).readUInt8(0) === headerChecksum(Buffer.concat([start, rest]));
  if (!isRight || flags >> 6 !== flag.version >> 6 || sizeCode < 4) throw damaged(path, 'has a damaged lz4 header');
  if ((flags & flag.dictionary) !== 0) throw damaged(path, 'needs an lz4 dictionary, which nobody has');
  return { flags, contentBytes: hasSize ? rest.readBigUInt64LE(0) : undefined, blockBytes: 4 ** (sizeCode + 4) };
}

function frameHeader(contentBytes: number | undefined): Buffer {
  const flags =
    flag.version | flag.independentBlocks | flag.contentChecksum | (contentBytes === undefined ? 0 : flag.contentSize);
  const size = Buffer.alloc(contentBytes === undefined ? 0 : 8);
  if (contentBytes !== undefined) size.writeBigUInt64LE(BigInt(contentBytes), 0);
  const description = Buffer.concat([Buffer.of(flags, blockSizeCode << 4), size]);
  return Buffer.concat([word(frameMagic), description, Buffer.of(headerChecksum(description))]);
}

function headerChecksum(description: Buffer): number {
  return (checksumOf(description) >>> 8) & 0xff;
}

function checksumOf(bytes: Buffer): number {
  const hash = new Xxh32();
  hash.update(bytes);
  return hash.digest();
}

function word(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}

function damaged(path: string, problem: string): WalFileError {
  return new WalFileError('ERR_WAL_FILE_CORRUPT', path, problem, {
    hint: 'The file is damaged; look for another copy of it.',
  });
}
