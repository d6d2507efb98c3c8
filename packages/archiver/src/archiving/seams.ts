/** Where each segment of a pass goes on from: at the end of the one before it, of this pass or of the archive. */
import type { WalSegmentSize } from '@walvault/wal';
import { predecessorName } from '../checking/predecessor-name.ts';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import { Timelines } from '../wal-files/timelines.ts';
import type { CatalogNotes } from './catalog-notes.ts';

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

  /** Keeps that of a segment that is on its way into the archive. */
  keep({ name, seam }: SegmentFacts): void {
    if (seam !== undefined) this.#ofThisPass.set(name, seam);
  }
}
