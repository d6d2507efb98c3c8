/**
 * Compression of archived files, by Barman's names. The codec of a file is told by its first bytes, as Barman does, so that the
 * setting may change at any time; WAL pages, history and backup history files start with none of these.
 */
import { isPlausiblePageMagic } from '@walvault/wal';

/** A file format. These are the names in xlog.db, whatever program wrote the file. */
export type StoredCodec = 'bzip2' | 'gzip' | 'lz4' | 'snappy' | 'xz' | 'zstd';

/** What `compression` may say. `pigz`, `pygzip` and `pybzip2` are other names for ways to write gzip and bzip2. */
export type CompressionMethod = 'none' | StoredCodec | 'pigz' | 'pygzip' | 'pybzip2' | 'custom';

/** How files are to be stored. */
export interface Compression {
  readonly method: CompressionMethod;
  /**
   * gzip and bzip2 1 to 9, xz 0 to 9, zstd -22 to 22; lz4 and snappy have none here. Unless given: what `defaultLevels` says.
   */
  readonly level?: number | undefined;
  /** The filters of `method: 'custom'`. */
  readonly custom?: CustomFilters | undefined;
}

/** Shell commands that compress and decompress: `custom_compression_filter` and the like. */
export interface CustomFilters {
  /** Compresses its standard input to its standard output; `$1` and `$2` are files with the same. */
  readonly filter: string;
  /** Undoes that. */
  readonly decompressionFilter: string;
  /** First bytes of what `filter` writes, as `0x` and hexadecimal digits. */
  readonly magic?: string | undefined;
}

/** How a file in the archive is compressed. */
export type ArchivedCodec = StoredCodec | 'custom';

const magics: Readonly<Record<StoredCodec, readonly number[]>> = {
  bzip2: [0x42, 0x5a, 0x68],
  gzip: [0x1f, 0x8b, 0x08],
  lz4: [0x04, 0x22, 0x4d, 0x18],
  snappy: [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
};

/** How many bytes {@link identifyCodec} wants to see: the longest magic that can be configured. */
export const codecMagicLength = 40;

/**
 * Tells the codec of a file by its first bytes; undefined when it is not compressed.
 *
 * With custom filters: their magic comes first. Without one, what is neither a known format nor looks like a plain file is theirs.
 */
export function identifyCodec(head: Buffer, custom?: CustomFilters): ArchivedCodec | undefined {
  const { magic } = custom ?? {};
  if (magic !== undefined && startsWith(head, Buffer.from(magic.slice(2), 'hex'))) return 'custom';
  const known = (Object.keys(magics) as StoredCodec[]).find((name) => startsWith(head, magics[name]));
  if (known !== undefined || isZstdFrameToSkip(head)) return known ?? 'zstd';
  return custom !== undefined && magic === undefined && !looksPlain(head) ? 'custom' : undefined;
}

/** The file format that a method writes; undefined for none. */
export function codecOf(method: CompressionMethod): ArchivedCodec | undefined {
  if (method === 'none') return undefined;
  if (method === 'pigz' || method === 'pygzip') return 'gzip';
  return method === 'pybzip2' ? 'bzip2' : method;
}

/** pzstd and others begin with a frame that says something about the next ones and holds no content. */
function isZstdFrameToSkip(head: Buffer): boolean {
  return head.length >= 8 && (head.readUInt32LE(0) & 0xff_ff_ff_f0) >>> 0 === 0x18_4d_2a_50;
}

/** A WAL page with a long header, text, or nothing but the zeros of a segment that was never written to. */
function looksPlain(head: Buffer): boolean {
  if (head.every((byte) => byte === 0)) return true;
  if (head.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a)) return true;
  return head.length >= 4 && isPlausiblePageMagic(head.readUInt16LE(0)) && (head.readUInt16LE(2) & 0x02) !== 0;
}

function startsWith(head: Buffer, magic: Uint8Array | readonly number[]): boolean {
  return head.length >= magic.length && magic.every((byte, index) => head[index] === byte);
}
