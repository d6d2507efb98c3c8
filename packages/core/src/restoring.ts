/** @walvault/core/restoring: the part of @walvault/core that gives WAL back, for commands that must start quickly. */
export { openServerWal, peekServerWal, restoreServerWal } from './server-wal.ts';
export { saveWal } from '@walvault/archiver/reading';
export type { ArchivedWal, RestoreOutcome, SaveWalOptions, WalForm } from '@walvault/archiver/reading';
