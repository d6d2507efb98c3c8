/**
 * Which cluster a pass archives for. Where the receiver has not said so (`identity.json`), as for a server that only archive_command
 * serves, it is that of the latest segment in the archive, else of the first good one that comes.
 */
import { join } from 'node:path';
import { FileSystemError } from '@walvault/durable-fs';
import { isPlausiblePageMagic, longPageHeaderSize, readPageHeader, type WalSegmentSize } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { ContentFile, type OpenOptions } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import { archivedFilesIn, archiveRoot } from '../wal-files/directory-listing.ts';

/** The facts of the cluster, as far as they are known by now. */
export class KnownCluster implements ClusterFacts {
  readonly walSegmentSize: WalSegmentSize | undefined;
  #systemIdentifier: bigint | undefined;

  constructor({ walSegmentSize, systemIdentifier }: ClusterFacts) {
    this.walSegmentSize = walSegmentSize;
    this.#systemIdentifier = systemIdentifier;
  }

  get systemIdentifier(): bigint | undefined {
    return this.#systemIdentifier;
  }

  /** Takes the word of the archive, if nobody has said. What cannot be read there says nothing. */
  async askArchive(walsDirectory: string, options: OpenOptions): Promise<void> {
    if (this.#systemIdentifier !== undefined) return;
    try {
      this.#systemIdentifier = await latestSystemIdentifier(walsDirectory, options);
    } catch (error) {
      if (!(error instanceof FileSystemError) && !(error instanceof WalFileError)) throw error;
    }
  }

  /** Takes the word of a segment that was found to be good. */
  learn(facts: SegmentFacts): void {
    this.#systemIdentifier ??= facts.systemIdentifier;
  }
}

async function latestSystemIdentifier(walsDirectory: string, options: OpenOptions): Promise<bigint | undefined> {
  const { hashDirectories } = await archiveRoot(walsDirectory, options.disk);
  for (const directory of hashDirectories.toReversed()) {
    const files = await archivedFilesIn(walsDirectory, directory, options.disk);
    const latest = files.findLast(({ kind }) => kind === 'segment');
    if (latest === undefined) continue;
    await using content = await ContentFile.open(join(walsDirectory, directory.name, latest.name), options);
    const head = (await content?.head(longPageHeaderSize)) ?? Buffer.alloc(0);
    if (head.length < longPageHeaderSize) return undefined;
    const header = readPageHeader(head);
    return isPlausiblePageMagic(header.magic) ? header.long?.systemIdentifier : undefined;
  }
  return undefined;
}
