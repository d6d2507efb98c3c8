/** Reads segments of the archive whole, one behind the other, into a catalogue. */
import { WalvaultError } from '@walvault/wal';
import { predecessorName } from '../checking/predecessor-name.ts';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { SegmentInspection } from '../checking/segment-inspection.ts';
import { ContentFile } from '../content/content.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { archivedFilesIn, archiveRoot } from '../wal-files/directory-listing.ts';
import { archivePath, isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';
import { sampledSegmentSize } from '../wal-files/sampled-segment-size.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { secondsOf } from '../wal-files/xlog-db-line.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';

/** A file that could not be read, and so is not in the catalogue. */
export interface UnreadableSegment {
  readonly name: string;
  readonly error: WalvaultError;
}

/** So many segments are noted at a time. */
const groupSize = 200;

/** The segments in an archive, partial ones too: timelines in order, each in order of position. @throws {FileSystemError} */
export async function archivedSegments(walsDirectory: string): Promise<readonly SegmentFileName[]> {
  const { hashDirectories } = await archiveRoot(walsDirectory);
  const files: SegmentFileName[] = [];
  for (const directory of hashDirectories) files.push(...(await archivedFilesIn(walsDirectory, directory)).filter(isSegmentFile));
  return files;
}

/** Reads for one catalogue; what it found wrong adds up. */
export class ArchiveReader {
  readonly #reading: WalReadOptions;
  readonly #timelines: Timelines;
  readonly #signal: AbortSignal;
  readonly #unreadable = new Map<string, WalvaultError>();

  private constructor(reading: WalReadOptions, timelines: Timelines, signal: AbortSignal) {
    this.#reading = reading;
    this.#timelines = timelines;
    this.#signal = signal;
  }

  /**
   * @param files of which some tell how large the segments are
   * @throws {FileSystemError} when the archive cannot be read; @throws {WalFileError} when a history file is damaged
   */
  static async open(reading: WalReadOptions, files: readonly SegmentFileName[], signal: AbortSignal): Promise<ArchiveReader> {
    const { wals, custom } = reading.directories;
    const archive = { ...reading, directories: { wals, custom } };
    const walSegmentSize = await sampledSegmentSize(archive, files);
    return new ArchiveReader({ ...archive, walSegmentSize }, await Timelines.read(archive.directories), signal);
  }

  get unreadable(): readonly UnreadableSegment[] {
    return [...this.#unreadable].map(([name, error]) => ({ name, error }));
  }

  /**
   * Reads files in the order given, in which each should follow its predecessor, and notes them.
   * @param onRead called behind each file
   * @throws {CatalogError}; @throws {FileSystemError} when the archive goes away
   */
  async read(files: readonly SegmentFileName[], catalog: Catalog, onRead?: () => void): Promise<void> {
    let group: CatalogEntry[] = [];
    for (const file of files) {
      this.#signal.throwIfAborted();
      const entry = await this.#entryOf(file, (name) => seamIn(group, name) ?? catalog.seamOf(name));
      if (entry !== undefined) group.push(entry);
      if (group.length >= groupSize) {
        catalog.note(group);
        group = [];
      }
      onRead?.();
    }
    catalog.note(group);
  }

  async #entryOf(file: SegmentFileName, seamOf: (name: string) => Uint8Array | undefined): Promise<CatalogEntry | undefined> {
    try {
      await using content = await ContentFile.open(archivePath(this.#reading.directories.wals, file), this.#reading.directories);
      // It was removed since the directory was read.
      if (content === undefined) return undefined;
      const modifiedAt = secondsOf(content.stats.mtimeNs);
      const facts = await this.#inspect(file, content, seamOf);
      const archivedAt = Math.round(modifiedAt * 1000);
      return { facts, storedBytes: content.size, compression: content.codec, modifiedAt, archivedAt };
    } catch (error) {
      if (!WalvaultError.is(error)) throw error;
      this.#unreadable.set(file.name, error);
      return undefined;
    }
  }

  async #inspect(
    file: SegmentFileName,
    content: ContentFile,
    seamOf: (name: string) => Uint8Array | undefined,
  ): Promise<SegmentFacts> {
    const { walSegmentSize, systemIdentifier } = this.#reading;
    const previous = walSegmentSize === undefined ? undefined : predecessorName(file, walSegmentSize, this.#timelines);
    const predecessor = previous === undefined ? undefined : seamOf(previous);
    const inspection = new SegmentInspection(file, { walSegmentSize, systemIdentifier, predecessor });
    for await (const chunk of content.bytes()) {
      this.#signal.throwIfAborted();
      inspection.take(chunk);
    }
    return inspection.finish();
  }
}

function seamIn(group: readonly CatalogEntry[], name: string): Uint8Array | undefined {
  return group.findLast(({ facts }) => facts.name === name)?.facts.seam;
}
