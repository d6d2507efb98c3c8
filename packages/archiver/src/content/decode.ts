/** From what is stored back to the content, whatever the codec. What a codec needs is loaded when it is first needed. */
import type { ArchivedCodec, CustomFilters } from './codec.ts';
import type { StoredBytes } from './stored-bytes.ts';

/**
 * Decompresses; the chunks belong to the caller. Nothing comes out short without an error, and nothing may stand behind the
 * content; only snappy cannot tell that it was cut between two of its pieces.
 *
 * Damage is a WalFileError `ERR_WAL_FILE_CORRUPT` or, from the libraries, an Error with a `code`.
 * @throws {CodecProgramError}
 */
export async function* decode(
  codec: ArchivedCodec,
  stored: StoredBytes,
  custom: CustomFilters | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  switch (codec) {
    case 'gzip':
    case 'zstd':
      return yield* (await import('./zlib-codecs.ts')).zlibDecode(codec, stored);
    case 'lz4':
      return yield* (await import('./lz4.ts')).lz4Decode(stored);
    case 'snappy':
      return yield* (await import('./snappy.ts')).snappyDecode(stored);
    case 'bzip2':
    case 'xz':
      return yield* (await import('./program-codecs.ts')).programDecode(codec, stored);
    case 'custom':
      if (custom === undefined) throw new TypeError('codec "custom" without filters');
      return yield* (await import('./custom-filter.ts')).customFilter(custom.decompressionFilter, stored.from(0));
  }
}
