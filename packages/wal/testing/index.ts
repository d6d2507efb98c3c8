/** WAL made to order, for the tests of every package that reads WAL. Not published. */
export { buildWal } from './build-wal.ts';
export type { BuiltRecord, BuiltWal, BuildWalOptions, WalItem } from './build-wal.ts';
export { checkSlowly } from './slow-checker.ts';
export type { SlowVerdict } from './slow-checker.ts';
export { countSlowly } from './slow-census.ts';
export { pieces, randomItems, randomNumbers } from './random-items.ts';
export type { RandomItemsOptions } from './random-items.ts';
