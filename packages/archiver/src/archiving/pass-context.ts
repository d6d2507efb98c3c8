/** What everything in one pass of archive-wal has in common. */
import type { Disk } from '@walvault/durable-fs';
import type { Logger } from '@walvault/wal';
import type { Compression } from '../content/codec.ts';
import type { ContentThreads } from '../content/content-threads.ts';
import type { SpareMemory } from '../content/spare-memory.ts';
import type { XlogDb } from '../wal-files/xlog-db.ts';
import type { ArchiveHooks } from './archive-hooks.ts';
import type { CatalogNotes } from './catalog-notes.ts';
import type { KnownCluster } from './known-cluster.ts';
import type { FileResult, SourceKind } from './file-result.ts';

/** A directory that files come from. */
export interface Source {
  readonly kind: SourceKind;
  readonly directory: string;
}

/** See the options of `archiveWal` for what these are. */
export interface PassContext {
  readonly serverName: string;
  readonly walsDirectory: string;
  readonly errorsDirectory: string;
  readonly compression: Compression;
  readonly facts: KnownCluster;
  readonly workers: number;
  readonly disk: Disk;
  readonly xlogDb: XlogDb;
  readonly catalog: CatalogNotes;
  /** Directories of the archive whose entry in it is known to be durable. */
  readonly durableDirectories: Set<string>;
  /** For the segments that are in memory. */
  readonly memory: SpareMemory;
  /** They work on the segments that are in memory. */
  readonly threads: ContentThreads;
  readonly hooks: ArchiveHooks | undefined;
  readonly signal: AbortSignal | undefined;
  readonly log: Logger;
  readonly onFile: ((result: FileResult) => void | Promise<void>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
