/** @walvault/core/archiving: the part of @walvault/core that fills the archive of a server, for a command that must start quickly. */
export { archiveServer } from './archive-server.ts';
export type { ArchiveServerOptions } from './archive-server.ts';
export { followArchive } from './follow-archive.ts';
export type { FollowArchiveOptions } from './follow-archive.ts';
export type { ArchiveReport, FileResult, SourceKind } from '@walvault/archiver/archiving';
export type { ServerConfig } from '@walvault/config';
