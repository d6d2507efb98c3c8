/**
 * Compression of archived files. The codec of a file is told by its first bytes, as Barman does, so that the
 * setting may change at any time; WAL pages, history and backup history files start with none of these.
 *
 * A codec is a line in `codecs`: adding one needs nothing else. zstd frames carry a checksum; Node decodes only the
 * first frame of a file, so one file is one frame and its length is always checked by whoever reads it.
 */
import type { Transform } from 'node:stream';
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { WalFileError } from '../errors.ts';

/** A codec that is written and read. The names are those in Barman's configuration and xlog.db. */
export type CodecName = 'gzip' | 'zstd';

/** A codec that files in the archive may have, also those that only Barman writes. */
export type StoredCodec = CodecName | 'bzip2' | 'xz' | 'lz4' | 'snappy';

/** How files are to be stored. */
export interface Compression {
  readonly method: 'none' | CodecName;
  /** gzip 1 to 9 (6 unless given), zstd -22 to 22 (4 unless given): Barman's ranges and its `medium`. */
  readonly level?: number | undefined;
}

interface Codec {
  readonly magic: readonly number[];
  compress(level: number | undefined): Transform;
  decompress(): Transform;
}

const chunkSize = 256 * 1024;

const codecs: Readonly<Record<CodecName, Codec>> = {
  gzip: {
    magic: [0x1f, 0x8b, 0x08],
    compress: (level = 6) => createGzip({ level, chunkSize }),
    decompress: () => createGunzip({ chunkSize }),
  },
  zstd: {
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    compress: (level = 4) => createZstdCompress({ chunkSize, params: zstdParameters(level) }),
    decompress: () => createZstdDecompress({ chunkSize }),
  },
};

/** What Barman writes and walvault does not read. */
const foreignMagics: Readonly<Record<Exclude<StoredCodec, CodecName>, readonly number[]>> = {
  bzip2: [0x42, 0x5a, 0x68],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  lz4: [0x04, 0x22, 0x4d, 0x18],
  snappy: [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59],
};

/** How many bytes {@link identifyCodec} wants to see. */
export const codecMagicLength = 10;

/** Tells the codec of a file by its first bytes; undefined when it is not compressed. */
export function identifyCodec(head: Buffer): StoredCodec | undefined {
  for (const name of Object.keys(codecs) as CodecName[]) if (startsWith(head, codecs[name].magic)) return name;
  for (const [name, magic] of Object.entries(foreignMagics)) if (startsWith(head, magic)) return name as StoredCodec;
  return undefined;
}

/** A stream that compresses. */
export function compressor(codec: CodecName, level: number | undefined): Transform {
  return codecs[codec].compress(level);
}

/**
 * A stream that decompresses what the file at `path` holds.
 * @throws {WalFileError} `ERR_CODEC_UNSUPPORTED` for a codec that cannot be read here
 */
export function decompressor(codec: StoredCodec, path: string): Transform {
  if (codec in codecs) return codecs[codec as CodecName].decompress();
  throw new WalFileError('ERR_CODEC_UNSUPPORTED', path, `is compressed with ${codec}, which walvault cannot read`, {
    hint: `Decompress the file with ${codec} in place (the name stays the same), or use Barman for it.`,
  });
}

function startsWith(head: Buffer, magic: readonly number[]): boolean {
  return head.length >= magic.length && magic.every((byte, index) => head[index] === byte);
}

function zstdParameters(level: number): Record<number, number> {
  return { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
}
