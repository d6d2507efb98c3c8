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
import { fitToHeirs, type HeirFit } from './heirs.ts';
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

  /** Whether the first segments of younger timelines agree with one. @param content of it @throws {FileSystemError} */
  async fitToHeirs(content: ContentFile, facts: SegmentFacts): Promise<HeirFit> {
    const { timelines } = this.#options;
    return await fitToHeirs({ timelines, open: this.#open.bind(this), inspect: this.#inspect.bind(this) }, content, facts);
  }

  async #inspect(name: string, predecessor?: Uint8Array): Promise<SegmentFacts | undefined> {
    await using content = await this.#open(name);
    if (content === undefined) return undefined;
    return (await inspectFile(content, segmentOf(name), { ...this.#options.facts, predecessor })).facts;
  }

  /** What was fetched is not compressed, so that the custom filter has no business there. */
  async #open(name: string): Promise<ContentFile | undefined> {
    const { directories, fetchedDirectory } = this.#options;
    const fetched = fetchedDirectory === undefined ? undefined : await ContentFile.open(join(fetchedDirectory, name));
    return fetched ?? (await ContentFile.open(archivePath(directories.wals, segmentOf(name)), directories));
  }
}

/** The name of a segment taken apart. */
export function segmentOf(name: string): SegmentFileName {
  const file = parseWalFileName(name);
  if (!isSegmentFile(file)) throw new TypeError(`"${name}" is no segment`);
  return file;
}
