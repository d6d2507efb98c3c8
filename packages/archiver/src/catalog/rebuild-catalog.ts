/**
 * Makes the catalogue anew from the files of the archive, in a new file that takes the place of the old one at the end. Until
 * then the old one is used as before; what is noted in it meanwhile is carried over.
 */
import { rm } from 'node:fs/promises';
import { durableRename, renameFile, syncFile } from '@walvault/durable-fs';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { archivedSegments, ArchiveReader, type UnreadableSegment } from './archive-reader.ts';
import { carryArchiveTimes, carryNews, carryRecords } from './carry-over.ts';
import { Catalog } from './catalog.ts';
import { CatalogError } from './errors.ts';

/** What to rebuild, and from what. */
export interface RebuildCatalogOptions {
  /** Only the archive in it is read, not what waits. */
  readonly reading: WalReadOptions;
  /** Where the catalogue is. */
  readonly path: string;
  /** Called behind each file. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/** What became of it. */
export interface RebuildCatalogReport {
  /** How many segments are in the catalogue now. */
  readonly segments: number;
  /** Those of them that are bad, and those that are known not to continue what is before them. */
  readonly bad: readonly string[];
  readonly unlinked: readonly string[];
  /** Segments that could not be read, and so are not in the catalogue. */
  readonly unreadable: readonly UnreadableSegment[];
  /** Why what was on record (checks, heals, deletions) could not be kept; undefined when it was. */
  readonly recordsLost: CatalogError | undefined;
  /** Where the old file is now that could not be used. */
  readonly movedTo: string | undefined;
}

/** What became of the old file. */
type Succession = Pick<RebuildCatalogReport, 'recordsLost' | 'movedTo'>;

/**
 * Rebuilds a catalogue. The caller sees to it that this is done once at a time.
 * @throws {FileSystemError} when the archive cannot be read or the new file not be written; the old one is still there then
 * @throws {CatalogError} `ERR_CATALOG_BUSY`, `ERR_CATALOG_UNUSABLE`
 * @throws {WalFileError} when a history file is damaged
 */
export async function rebuildCatalog(options: RebuildCatalogOptions): Promise<RebuildCatalogReport> {
  const { reading, path, signal } = options;
  const temporary = `${path}.new`;
  const startedAt = Date.now();
  await rm(temporary, { force: true });
  try {
    const files = await archivedSegments(reading.directories.wals);
    const reader = await ArchiveReader.open(reading, files, signal);
    await readAll(options, reader, files, temporary);
    // The bulk of it, before anybody has to wait.
    await syncFile(temporary);
    const succession = await new Replacement(options, reader, { temporary, startedAt }).run();
    return { ...summaryOf(path), ...succession, unreadable: reader.unreadable };
  } finally {
    await rm(temporary, { force: true });
  }
}

async function readAll(
  { onProgress }: RebuildCatalogOptions,
  reader: ArchiveReader,
  files: Parameters<ArchiveReader['read']>[0],
  temporary: string,
): Promise<void> {
  using catalog = Catalog.open(temporary, { inMaking: true });
  let done = 0;
  await reader.read(files, catalog, () => {
    done += 1;
    onProgress?.(done, files.length);
  });
}

/** Puts the new file in place, with all that has happened since it was begun. Nobody writes to the old one meanwhile. */
class Replacement {
  readonly #options: RebuildCatalogOptions;
  readonly #reader: ArchiveReader;
  readonly #temporary: string;
  readonly #startedAt: number;

  constructor(
    options: RebuildCatalogOptions,
    reader: ArchiveReader,
    { temporary, startedAt }: { readonly temporary: string; readonly startedAt: number },
  ) {
    this.#options = options;
    this.#reader = reader;
    this.#temporary = temporary;
    this.#startedAt = startedAt;
  }

  async run(): Promise<Succession> {
    const { path } = this.#options;
    const opened = openOld(path);
    if (opened instanceof CatalogError) return { movedTo: await this.#moveAside(), recordsLost: opened };
    using old = opened;
    return await old.database.whileLocked(async () => {
      const recordsLost = await this.#bringUpToDate(old);
      await durableRename(this.#temporary, path);
      return { recordsLost, movedTo: undefined };
    });
  }

  /** A damaged file, or one of somebody else, is kept beside the new one, and its journal with it: that must not be applied to the new. */
  async #moveAside(): Promise<string> {
    const { path } = this.#options;
    await this.#bringUpToDate(undefined);
    const movedTo = `${path}.unusable-${this.#startedAt}`;
    for (const suffix of ['-journal', '-wal', '-shm', '']) {
      await renameFile(`${path}${suffix}`, `${movedTo}${suffix}`).catch((error: unknown) => {
        if (suffix === '') throw error;
      });
    }
    await durableRename(this.#temporary, path);
    return movedTo;
  }

  async #bringUpToDate(old: Catalog | undefined): Promise<CatalogError | undefined> {
    using catalog = Catalog.open(this.#temporary, { inMaking: true });
    const files = await archivedSegments(this.#options.reading.directories.wals);
    const there = new Set(files.map((file) => file.name));
    const lost = old === undefined ? undefined : this.#carryOver(old, catalog, there);
    catalog.forget(catalog.names().filter((name) => !there.has(name)));
    const known = new Set([...catalog.names(), ...this.#reader.unreadable.map(({ name }) => name)]);
    await this.#reader.read(
      files.filter(({ name }) => !known.has(name)),
      catalog,
    );
    return lost;
  }

  /** Damage may show itself only where it is read; what has come over until then is kept. */
  #carryOver(old: Catalog, catalog: Catalog, there: ReadonlySet<string>): CatalogError | undefined {
    try {
      carryArchiveTimes(old, catalog);
      carryNews(old, catalog, this.#startedAt, (name) => there.has(name));
      carryRecords(old, catalog);
      return undefined;
    } catch (error) {
      if (error instanceof CatalogError && error.code === 'ERR_CATALOG_DAMAGED') return error;
      throw error;
    }
  }
}

/** Waiting helps against a lock, and rights against a read-only disk; a rebuild does not. */
function openOld(path: string): Catalog | CatalogError {
  try {
    return Catalog.open(path);
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    if (error.code === 'ERR_CATALOG_BUSY' || error.code === 'ERR_CATALOG_UNUSABLE') throw error;
    return error;
  }
}

function summaryOf(path: string): Pick<RebuildCatalogReport, 'segments' | 'bad' | 'unlinked'> {
  using catalog = Catalog.open(path, { readOnly: true });
  const names = (condition: string): readonly string[] =>
    catalog.database.rows(`SELECT name FROM segment WHERE ${condition} ORDER BY name`).map((row) => String(row['name']));
  return { segments: catalog.names().length, bad: names(`verdict <> 'good'`), unlinked: names(`link = 'broken'`) };
}
