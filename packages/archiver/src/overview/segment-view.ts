/** All that is known of one segment. */
import { parseWalFileName, WalFormatError } from '@walvault/wal';
import { ArchiveReader } from '../catalog/archive-reader.ts';
import { Catalog, type CatalogEntry } from '../catalog/catalog.ts';
import type { Heal, SegmentCheck } from '../catalog/catalog-records.ts';
import { CatalogError } from '../catalog/errors.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';

/** One segment of the archive. */
export interface SegmentView {
  readonly entry: CatalogEntry;
  /** Whether that is from the catalogue; if not, the file was read. */
  readonly isFromCatalog: boolean;
  /** The latest check by verify-wal. */
  readonly check: SegmentCheck | undefined;
  /** The latest first. */
  readonly heals: readonly Heal[];
}

/**
 * Looks at a segment of the archive, complete or partial.
 * @returns undefined when it is neither in the catalogue nor in the archive
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME` when the name is not that of a segment
 * @throws {WalFileError} when it cannot be read; @throws {FileSystemError}
 */
export async function viewSegment(
  reading: WalReadOptions,
  catalogPath: string,
  name: string,
  signal: AbortSignal,
): Promise<SegmentView | undefined> {
  const file = parseWalFileName(name);
  if (!isSegmentFile(file)) throw new WalFormatError('ERR_INVALID_WAL_FILE_NAME', `"${name}" is not the name of a segment`);
  const known = fromCatalog(catalogPath, name);
  if (known?.entry !== undefined) return { ...known, entry: known.entry, isFromCatalog: true };
  const entry = await fromFile(reading, file, signal);
  if (entry === undefined) return undefined;
  return { entry, isFromCatalog: false, check: known?.check, heals: known?.heals ?? [] };
}

function fromCatalog(path: string, name: string) {
  try {
    using catalog = Catalog.open(path, { readOnly: true });
    const { records } = catalog;
    return {
      entry: catalog.entry(name),
      check: records.checkOf(name),
      heals: records.heals().filter((heal) => heal.name === name),
    };
  } catch (error) {
    if (error instanceof CatalogError) return undefined;
    throw error;
  }
}

async function fromFile(reading: WalReadOptions, file: SegmentFileName, signal: AbortSignal): Promise<CatalogEntry | undefined> {
  using own = Catalog.inMemory();
  const reader = await ArchiveReader.open(reading, [file], signal);
  await reader.read([file], own);
  const [problem] = reader.unreadable;
  if (problem !== undefined) throw problem.error;
  return own.entry(file.name);
}
