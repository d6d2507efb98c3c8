/** @walvault/core/restoring: the part of @walvault/core that gives WAL back, for commands that must start quickly. */
export { openServerWal, restoreServerWal } from './server-wal.ts';
export type { ArchivedWal, RestoreOutcome } from '@walvault/archiver/reading';
