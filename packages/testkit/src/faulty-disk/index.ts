/** @walvault/testkit/faulty-disk: a model of a disk that does its worst, all from one seed. */
export { FaultyDisk } from './faulty-disk.ts';
export { Random } from './random.ts';

export type { DiskCall, DiskCallKind } from './call-queue.ts';
export type { DiskFault, FaultyDiskOptions } from './faulty-disk.ts';
export type { ExactFacts } from './file-table.ts';
export type { DiskHandle, DiskMount } from './mount.ts';
export { SystemError } from './system-error.ts';
