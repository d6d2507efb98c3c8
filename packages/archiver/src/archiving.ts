/** @walvault/archiver/archiving: the part of @walvault/archiver that fills the archive, for a command that must start quickly. */
export { archiveWal } from './archiving/archive-wal.ts';
export type { ArchiveReport, ArchiveWalOptions } from './archiving/archive-wal.ts';
export type { ArchiveHooks } from './archiving/archive-hooks.ts';
export type { ArchiveCatalog } from './archiving/catalog-notes.ts';
export type { FileResult, SourceKind } from './archiving/file-result.ts';
export { Catalog } from './catalog/catalog.ts';
export { SpareMemory } from './content/spare-memory.ts';
export { usableCompression } from './content/encode.ts';
export { ArchiverBusyError } from './errors.ts';
export { archivePath } from './wal-files/layout.ts';
export { readXlogDb, xlogDbPath } from './wal-files/xlog-db.ts';
export type { XlogDbMemory } from './wal-files/xlog-db.ts';
