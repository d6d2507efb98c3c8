/** @walvault/archiver/getting: the part of @walvault/archiver that gives WAL to whoever asks, for a command that must start quickly. */
export { openWal } from './restoring/open-wal.ts';
export type { ArchivedWal, OpenWalChoices, WalForm, WalReadOptions } from './restoring/open-wal.ts';
export { peekWal } from './restoring/peek-wal.ts';
export { saveWal } from './restoring/save-wal.ts';
export type { SaveWalOptions } from './restoring/save-wal.ts';
export { xlogDbPath } from './wal-files/xlog-db.ts';
