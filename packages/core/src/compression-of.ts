/** How the archive of a server is compressed: from the words of the configuration to the methods and levels of the archiver. */
import type { Compression, CompressionMethod, CustomFilters } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';

/** Barman's words for levels, as it has them for each method. lz4 and snappy have one level here. */
const namedLevels: Readonly<Partial<Record<CompressionMethod, Readonly<Record<'low' | 'medium' | 'high', number>>>>> = {
  gzip: { low: 1, medium: 6, high: 9 },
  pigz: { low: 1, medium: 6, high: 9 },
  pygzip: { low: 1, medium: 6, high: 9 },
  bzip2: { low: 1, medium: 5, high: 9 },
  pybzip2: { low: 1, medium: 5, high: 9 },
  xz: { low: 1, medium: 3, high: 5 },
  zstd: { low: 1, medium: 4, high: 9 },
};

/** The compression that a server's archive is written with. */
export function compressionOf(server: ServerConfig): Compression {
  const { compression: method, compressionLevel } = server;
  const level = typeof compressionLevel === 'number' ? compressionLevel : namedLevels[method]?.[compressionLevel];
  return { method, level, custom: customFiltersOf(server) };
}

/** The filters of a server, also when it compresses otherwise now: what they made before stays readable. */
export function customFiltersOf({ customCompression }: ServerConfig): CustomFilters | undefined {
  const { filter, decompressionFilter, magic } = customCompression;
  return decompressionFilter === undefined ? undefined : { filter: filter ?? 'false', decompressionFilter, magic };
}
