/** @walvault/archiver/reading: the part of @walvault/archiver that restores from the archive, for commands that must start quickly. */
export { ArchiveEmptyError } from './errors.ts';
export { isNextSegmentThere } from './prefetching/next-segment.ts';
export { prefetch } from './prefetching/prefetcher.ts';
export { Spool } from './prefetching/spool.ts';
export type { WalReadOptions } from './restoring/open-wal.ts';
export { restoreWal } from './restoring/restore-wal.ts';
export type { RestoreOutcome, RestoreWalOptions } from './restoring/restore-wal.ts';
