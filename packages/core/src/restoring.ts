/** @walvault/core/restoring: the part of @walvault/core that gives WAL back, for commands that must start quickly. */
export {
  canPrefetch,
  defaultPrefetchBytes,
  defaultSpoolDirectory,
  isWorthPrefetching,
  recoverySpool,
  runPrefetcher,
  spoolName,
} from './recovery-spool.ts';
export type { PrefetcherOptions } from './recovery-spool.ts';
export { restoreServerWal } from './restore-server-wal.ts';
export type { RestoreRequest, RestoreSurroundings } from './restore-server-wal.ts';
export type { RestoreOutcome, Spool } from '@walvault/archiver/reading';
