/** @walvault/archiver: from the streaming directory to the archive and back, in the layout of Barman. */
export { archiveWal } from './archive-wal.ts';
export type { ArchiveReport, ArchiveWalOptions } from './archive-wal.ts';
export type { FileResult } from './archive-file.ts';
export type { ClusterFacts } from './check-wal-file.ts';
export type { CodecName, Compression, StoredCodec } from './codec.ts';
export {
  ArchiveCopyError,
  ArchiveEmptyError,
  ArchiverBusyError,
  WalFileError,
  WalHoleError,
  XlogDbError,
} from './errors.ts';
export type { ArchiverErrorCode, WalFileErrorCode } from './errors.ts';
export type { WalLocation } from './find-wal.ts';
export type { WalDirectories } from './layout.ts';
export { listArchive } from './list-archive.ts';
export type { ArchiveListing, TimelineListing, WalHole } from './list-archive.ts';
export { openWal } from './open-wal.ts';
export type { ArchivedWal, OpenWalChoices, WalReadOptions } from './open-wal.ts';
export { restoreWal } from './restore-wal.ts';
export type { RestoreOutcome, RestoreWalOptions } from './restore-wal.ts';
export type { KeepReason, KeptFile } from './select-files.ts';
export { readXlogDb, xlogDbPath } from './xlog-db.ts';
export type { XlogDbEntry } from './xlog-db.ts';
