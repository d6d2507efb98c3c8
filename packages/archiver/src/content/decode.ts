/** From what is stored back to the content, whatever the codec. The libraries are loaded when they are first needed. */
import type { ArchivedCodec, CustomFilters } from './codec.ts';
import { customFilter } from './custom-filter.ts';
import { lz4Decode } from './lz4.ts';
import { programDecode } from './program-codecs.ts';
import { snappyDecode } from './snappy.ts';
import type { StoredBytes } from './stored-bytes.ts';
import { zlibDecode } from './zlib-codecs.ts';

/**
 * Decompresses; the chunks belong to the caller. Nothing comes out short without an error, and nothing may stand behind the
 * content; only snappy cannot tell that it was cut between two of its pieces.
 *
 * Damage is a WalFileError `ERR_WAL_FILE_CORRUPT` or, from the libraries, an Error with a `code`.
 * @throws {CodecProgramError}
 */
export function decode(codec: ArchivedCodec, stored: StoredBytes, custom: CustomFilters | undefined): AsyncIterable<Buffer> {
  switch (codec) {
    case 'gzip':
    case 'zstd':
      return zlibDecode(codec, stored);
    case 'lz4':
      return lz4Decode(stored);
    case 'snappy':
      return snappyDecode(stored);
    case 'bzip2':
    case 'xz':
      return programDecode(codec, stored);
    case 'custom':
      if (custom === undefined) throw new TypeError('codec "custom" without filters');
      return customFilter(custom.decompressionFilter, stored.from(0));
  }
}
