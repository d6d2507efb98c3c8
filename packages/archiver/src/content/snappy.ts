/**
 * snappy: the framing format (framing_format.txt of snappy), as Barman writes it: pieces of up to 64 KiB, each with a checksum.
 *
 * The frames are read and written here, and the library does the pieces: its own streams keep memory that is never given back.
 */
import { crc32c } from '@walvault/wal';
import { WalFileError } from '../errors.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { StoredBytes } from './stored-bytes.ts';

const streamIdentifier = Buffer.from('ff060000734e61507059', 'hex');
/** Content of a piece, at most. */
const pieceBytes = 65_536;
/** So many pieces are given out as one chunk. */
const piecesAtOnce = 16;
const kinds = { compressed: 0x00, uncompressed: 0x01, streamIdentifier: 0xff } as const;
/** From here on a piece of unknown kind is to be skipped; one below must be understood. */
const firstSkippable = 0x80;
const checksumBytes = 4;
/** What cannot be compressed becomes a little larger by trying (snappy's MaxCompressedLength). */
const largestBody = checksumBytes + 32 + pieceBytes + Math.floor(pieceBytes / 6);

/** Compresses. */
export async function* snappyEncode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const { compressSync } = await import('snappy');
  await using reader = new ChunkReader(source);
  yield streamIdentifier;
  for (
    let chunk = await reader.take(pieceBytes * piecesAtOnce);
    chunk.length > 0;
    chunk = await reader.take(pieceBytes * piecesAtOnce)
  ) {
    const parts: Buffer[] = [];
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      const compressed = compressSync(piece, { copyOutputData: true });
      const isSmaller = compressed.length < piece.length;
      const body = isSmaller ? compressed : piece;
      parts.push(headerOf(isSmaller ? kinds.compressed : kinds.uncompressed, body.length, maskedCrc(piece)), body);
    }
    yield Buffer.concat(parts);
  }
}

/**
 * Decompresses. The format has no end mark: of a file that was cut between two pieces the rest is missing, and nothing tells.
 * @throws {WalFileError} `ERR_WAL_FILE_CORRUPT`; other damage is an Error with a `code`
 */
export async function* snappyDecode(stored: StoredBytes): AsyncGenerator<Buffer, void, undefined> {
  const { uncompressSync } = await import('snappy');
  await using reader = new ChunkReader(stored.from(0));
  for (let header = await reader.take(4); header.length > 0; header = await reader.take(4)) {
    if (header.length < 4) throw damaged(stored.path, 'ends in the middle of a snappy piece');
    const kind = header.readUInt8(0);
    const length = header.readUIntLE(1, 3);
    const isKnown = kind === kinds.compressed || kind === kinds.uncompressed;
    if (isKnown ? length < checksumBytes || length > largestBody : kind < firstSkippable)
      throw damaged(stored.path, 'has something that is no snappy piece');
    const body = await reader.take(length);
    if (body.length < length) throw damaged(stored.path, 'ends in the middle of a snappy piece');
    if (kind === kinds.streamIdentifier && !body.equals(streamIdentifier.subarray(4)))
      throw damaged(stored.path, 'has a damaged snappy header');
    if (!isKnown) continue;
    const data = body.subarray(checksumBytes);
    const piece = kind === kinds.uncompressed ? data : uncompressSync(data, { copyOutputData: true, asBuffer: true });
    if (!Buffer.isBuffer(piece) || piece.length > pieceBytes || maskedCrc(piece) !== body.readUInt32LE(0))
      throw damaged(stored.path, 'has a snappy piece with another checksum');
    yield piece;
  }
}

function headerOf(kind: number, bodyBytes: number, checksum: number): Buffer {
  const header = Buffer.allocUnsafe(8);
  header.writeUInt8(kind, 0);
  header.writeUIntLE(bodyBytes + checksumBytes, 1, 3);
  header.writeUInt32LE(checksum, 4);
  return header;
}

/** CRC-32C, turned and moved, since a checksum over data with checksums is a weak one. */
function maskedCrc(bytes: Buffer): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa2_82_ea_d8) >>> 0;
}

function damaged(path: string, problem: string): WalFileError {
  return new WalFileError('ERR_WAL_FILE_CORRUPT', path, problem, {
    hint: 'The file is damaged; look for another copy of it.',
  });
}
