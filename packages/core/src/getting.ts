/** @walvault/core/getting: the part of @walvault/core that gives WAL to whoever asks, for a command that must start quickly. */
export { openServerWal, peekServerWal } from './server-wal.ts';
export { saveWal } from '@walvault/archiver/getting';
export type { ArchivedWal, SaveWalOptions, WalForm } from '@walvault/archiver/getting';
