/** @walvault/archiver/observing: the part of @walvault/archiver that looks at an archive by names, for commands that must start quickly. */
export { usableCompression } from './content/encode.ts';
export { openWal } from './restoring/open-wal.ts';
export { listArchive } from './wal-files/list-archive.ts';
export type { ArchiveListing, TimelineListing, WalHole } from './wal-files/list-archive.ts';
export { archivePath } from './wal-files/layout.ts';
export { readXlogDb, xlogDbPath } from './wal-files/xlog-db.ts';
export type { XlogDbEntry } from './wal-files/xlog-db-line.ts';
