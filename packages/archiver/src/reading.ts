/** @walvault/archiver/reading: the part of @walvault/archiver that reads the archive, for commands that must start quickly. */
export { ArchiveEmptyError } from './errors.ts';
export { isNextSegmentThere } from './prefetching/next-segment.ts';
export { prefetch } from './prefetching/prefetcher.ts';
export { Spool } from './prefetching/spool.ts';
export { openWal } from './restoring/open-wal.ts';
export type { ArchivedWal, OpenWalChoices, WalForm, WalReadOptions } from './restoring/open-wal.ts';
export { peekWal } from './restoring/peek-wal.ts';
export { restoreWal } from './restoring/restore-wal.ts';
export type { RestoreOutcome, RestoreWalOptions } from './restoring/restore-wal.ts';
export { saveWal } from './restoring/save-wal.ts';
export type { SaveWalOptions } from './restoring/save-wal.ts';
export { listArchive } from './wal-files/list-archive.ts';
export type { ArchiveListing } from './wal-files/list-archive.ts';
export { xlogDbPath } from './wal-files/xlog-db.ts';
