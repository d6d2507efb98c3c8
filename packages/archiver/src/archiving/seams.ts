/** Where each segment of a pass goes on from: at the end of the one before it, of this pass or of the archive. */
import type { WalSegmentSize } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import type { Timelines } from '../wal-files/timelines.ts';
import { predecessorName } from './inspection-adapter.ts';
import type { CatalogNotes } from './catalog-notes.ts';

/** The seams that are known. */
export class Seams {
  readonly #catalog: CatalogNotes;
  readonly #ofThisPass = new Map<string, Uint8Array>();

  constructor(catalog: CatalogNotes, _timelines?: Timelines) {
    this.#catalog = catalog;
  }

  /** What the segment before a file has left open; undefined when nobody knows. */
  before(file: SegmentFileName, walSegmentSize: WalSegmentSize): Uint8Array | undefined {
    const name = predecessorName(file, walSegmentSize);
    if (name === undefined) return undefined;
    return this.#ofThisPass.get(name) ?? this.#catalog.seamOf(name);
  }

  /** Keeps that of a segment that is on its way into the archive. */
  keep({ name, seam }: SegmentFacts): void {
    if (seam !== undefined) this.#ofThisPass.set(name, seam);
  }
}
