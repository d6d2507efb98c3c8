/** @walvault/archiver/incoming: the part of @walvault/archiver that takes WAL files in, for a command that runs for each of them. */
export type { Placement } from './incoming/place-incoming.ts';
export { putWal } from './incoming/put-wal.ts';
export type { PutWalOptions, PutWalReport } from './incoming/put-wal.ts';
