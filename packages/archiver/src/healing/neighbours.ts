/**
 * What lies before and behind a segment: which seam it goes on from, and whether what is behind it goes on from it.
 *
 * The segment before may be in the archive, or among those that were fetched with it and wait to be archived.
 */
import { join } from 'node:path';
import { segmentEndLsn, segmentNumberOfName, walFileNameAt, type WalSegmentSize, parseWalFileName } from '@walvault/wal';
import { predecessorName } from '../checking/predecessor-name.ts';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { ContentFile } from '../content/content.ts';
import { archivePath, isSegmentFile, type SegmentFileName, type WalDirectories } from '../wal-files/layout.ts';
import type { Timelines } from '../wal-files/timelines.ts';
import { inspectFile } from './inspect-file.ts';

/** Where neighbours are looked for. */
export interface NeighbourOptions {
  readonly directories: WalDirectories;
  /** Where fetched segments wait; looked into first. */
  readonly fetchedDirectory?: string | undefined;
  readonly walSegmentSize: WalSegmentSize;
  readonly facts: ClusterFacts;
  readonly timelines: Timelines;
}

/** How a segment fits to one beside it; unknown where there is none, or a bad one. */
export type Fit = SegmentFacts['link'];

/** The segments around others. Seams are kept, since the next segment in a row begins with that of the one before. */
export class Neighbours {
  readonly #options: NeighbourOptions;
  readonly #seams = new Map<string, Uint8Array | undefined>();

  constructor(options: NeighbourOptions) {
    this.#options = options;
  }

  /** What the segment before one has left open; undefined when nobody knows. @throws {FileSystemError} */
  async seamBefore(file: SegmentFileName): Promise<Uint8Array | undefined> {
    const { walSegmentSize, timelines } = this.#options;
    const name = predecessorName(file, walSegmentSize, timelines);
    if (name === undefined) return undefined;
    if (!this.#seams.has(name)) this.#seams.set(name, (await this.#inspect(name))?.seam);
    return this.#seams.get(name);
  }

  /** Keeps the seam of a segment that was inspected anyway. */
  keep(facts: SegmentFacts): void {
    this.#seams.set(facts.name, facts.seam);
  }

  /** Whether the segment behind one, on its timeline, goes on where that one ends. @throws {FileSystemError} */
  async fitBehind(facts: SegmentFacts): Promise<Fit> {
    const { walSegmentSize } = this.#options;
    if (facts.seam === undefined) return 'unknown';
    const end = segmentEndLsn(segmentNumberOfName(segmentOf(facts.name), walSegmentSize), walSegmentSize);
    const behind = await this.#inspect(walFileNameAt(facts.timelineId, end, walSegmentSize), facts.seam);
    // What is bad in itself says nothing about this one.
    return behind === undefined || behind.verdict === 'bad' ? 'unknown' : behind.link;
  }

  async #inspect(name: string, predecessor?: Uint8Array): Promise<SegmentFacts | undefined> {
    const { directories, fetchedDirectory, facts } = this.#options;
    const file = segmentOf(name);
    // What was fetched is not compressed, so that the custom filter has no business there.
    await using fetched = fetchedDirectory === undefined ? undefined : await ContentFile.open(join(fetchedDirectory, name));
    await using archived = await ContentFile.open(archivePath(directories.wals, file), directories);
    const content = fetched ?? archived;
    return content === undefined ? undefined : (await inspectFile(content, file, { ...facts, predecessor })).facts;
  }
}

/** The name of a segment taken apart. */
export function segmentOf(name: string): SegmentFileName {
  const file = parseWalFileName(name);
  if (!isSegmentFile(file)) throw new TypeError(`"${name}" is no segment`);
  return file;
}
