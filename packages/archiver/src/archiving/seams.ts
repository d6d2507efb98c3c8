/** Where each segment of a pass goes on from: at the end of the one before it, of this pass or of the archive. */
import { tryParseWalFileName, type WalSegmentSize } from '@walvault/wal';
import { predecessorName } from '../checking/predecessor-name.ts';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { ContentFile } from '../content/content.ts';
import { archivePath, type SegmentFileName } from '../wal-files/layout.ts';
import { Timelines } from '../wal-files/timelines.ts';
import type { CatalogNotes } from './catalog-notes.ts';
import { examineFile } from './examine-file.ts';
import type { PassContext } from './pass-context.ts';

/** Where the archive is, and how it is read. */
type SeamPlaces = Pick<PassContext, 'walsDirectory' | 'compression' | 'facts' | 'disk'>;

/** The seams that are known. */
export class Seams {
  readonly #catalog: CatalogNotes;
  readonly #timelines: Timelines;
  readonly #ofThisPass = new Map<string, Uint8Array>();

  constructor(catalog: CatalogNotes, timelines: Timelines = new Timelines(new Map())) {
    this.#catalog = catalog;
    this.#timelines = timelines;
  }

  /** What the segment before a file has left open; undefined when nobody knows. */
  before(file: SegmentFileName, walSegmentSize: WalSegmentSize): Uint8Array | undefined {
    const name = predecessorName(file, walSegmentSize, this.#timelines);
    if (name === undefined) return undefined;
    return this.#ofThisPass.get(name) ?? this.#catalog.seamOf(name);
  }

  /**
   * The same from the segment before itself: of this pass, or as it is in the archive; undefined when it is in neither.
   * @throws {FileSystemError} when it cannot be read
   */
  async ofFileBefore(
    file: SegmentFileName,
    walSegmentSize: WalSegmentSize,
    { walsDirectory, compression, facts, disk }: SeamPlaces,
  ): Promise<Uint8Array | undefined> {
    const name = tryParseWalFileName(predecessorName(file, walSegmentSize, this.#timelines) ?? '');
    if (name === undefined) return undefined;
    const known = this.#ofThisPass.get(name.name);
    if (known !== undefined) return known;
    await using source = await ContentFile.open(archivePath(walsDirectory, name), { custom: compression.custom, disk });
    if (source === undefined) return undefined;
    return (await examineFile({ source, name, facts, seamBefore: () => undefined })).facts?.seam;
  }

  /** Keeps that of a segment that is on its way into the archive. */
  keep({ name, seam }: SegmentFacts): void {
    if (seam !== undefined) this.#ofThisPass.set(name, seam);
  }
}
