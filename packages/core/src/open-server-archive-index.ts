/** The archive of a server, looked at once and kept to be asked about; see `ArchiveIndex`. */
import {
  ArchiveIndex,
  type ArchiveSurvey,
  type FindRequest,
  type FoundRestorePoint,
  type JudgedTarget,
  type RecoveryAction,
  type RecoverySettings,
  recoverySettings,
  type TimelineSpans,
} from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { type Lsn, majorOfPageMagic } from '@walvault/wal';
import { listServerBackups } from './base-backups.ts';
import { catalogPath, isThere } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/** A target by what the catalogue knows, and what to write to recover to it. */
export interface FoundServerTarget extends JudgedTarget {
  /** Undefined when it was not found. */
  readonly settings: RecoverySettings | undefined;
}

/** What to look for. */
export interface IndexedFindOptions {
  readonly request: FindRequest;
  /** Up to where WAL is durable here, as far as it is known. */
  readonly receivedLsn: Lsn | undefined;
  readonly restoreCommandLine: string;
  readonly action: RecoveryAction;
}

/** Answers without looking at a file of the archive. Dispose of it when it is not asked any more. */
export interface ServerArchiveIndex extends Disposable {
  readonly survey: ArchiveSurvey;
  readonly timelines: readonly TimelineSpans[];
  /** In order of LSN; those that the catalogue knows. */
  readonly restorePoints: readonly FoundRestorePoint[];
  /** @returns undefined when there is no segment @throws {FinderError} `ERR_TIMELINE_UNKNOWN` @throws {CatalogError} */
  find(options: IndexedFindOptions): FoundServerTarget | undefined;
}

/** Looks at all of it. @param days how many days of the past to tell about @throws as `surveyServerArchive` */
export async function openServerArchiveIndex(
  server: ServerConfig,
  { days, signal }: { readonly days: number; readonly signal: AbortSignal },
): Promise<ServerArchiveIndex> {
  const { wals, streaming } = server.directories;
  if (!(await isThere(wals)) && !(await isThere(streaming))) return emptyIndex;
  const { backups } = await listServerBackups(server);
  const reading = await readOptions(server);
  const index = await ArchiveIndex.open({ reading, catalogPath: catalogPath(server), days, backups, signal });
  const { survey, timelines, restorePoints } = index;
  return {
    survey,
    timelines,
    restorePoints,
    find: (options) => findIn(index, options),
    [Symbol.dispose]: () => index[Symbol.dispose](),
  };
}

/** Of a server of which nothing was received yet. */
const emptyIndex: ServerArchiveIndex = {
  survey: {
    listing: { walSegmentSize: undefined, timelines: [], histories: [], impossibleNames: [] },
    timelines: [],
    catalog: {
      days: [],
      compressions: [],
      restorePoints: 0,
      lastVerify: undefined,
      badChecks: [],
      heals: [],
      unknownSegments: 0,
      goneSegments: 0,
    },
  },
  timelines: [],
  restorePoints: [],
  find: () => undefined,
  [Symbol.dispose]: () => undefined,
};

function findIn(index: ArchiveIndex, { request, receivedLsn, ...writing }: IndexedFindOptions): FoundServerTarget | undefined {
  const found = index.find(request, receivedLsn);
  if (found === undefined) return undefined;
  const { place } = found.located;
  if (place === undefined) return { ...found, settings: undefined };
  const { backup } = found.reachability ?? {};
  const major = index.latestMagic === undefined ? undefined : majorOfPageMagic(index.latestMagic);
  return { ...found, settings: recoverySettings({ request, place, others: [], backup, major, ...writing }) };
}
