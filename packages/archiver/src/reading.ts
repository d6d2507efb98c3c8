/** @walvault/archiver/reading: the part of @walvault/archiver that reads the archive, for commands that must start quickly. */
export { openWal } from './restoring/open-wal.ts';
export type { ArchivedWal, OpenWalChoices, WalReadOptions } from './restoring/open-wal.ts';
export { restoreWal } from './restoring/restore-wal.ts';
export type { RestoreOutcome, RestoreWalOptions } from './restoring/restore-wal.ts';
export { listArchive } from './wal-files/list-archive.ts';
export type { ArchiveListing } from './wal-files/list-archive.ts';
export { xlogDbPath } from './wal-files/xlog-db.ts';
