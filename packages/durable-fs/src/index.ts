/** @walvault/durable-fs: the only place that calls fsync and rename. */
export { nodeDisk } from './disk.ts';
export type { DirectoryEntry, Disk, DiskFile, ExactFileFacts, FileFacts } from './disk.ts';
export { DurableFile } from './durable-file.ts';
export type { DurableFileOptions } from './durable-file.ts';
export { durableRename, durableUnlink, durableUnlinkAll, renameFile } from './durable-rename.ts';
export type { DurableRenameOptions } from './durable-rename.ts';
export { errnoOf, FileSystemError, fileSystemError } from './errors.ts';
export type { DurableFsErrorCode } from './errors.ts';
export { lockOwner, tryLock } from './file-lock.ts';
export type { FileLock, LockOptions, LockOwner } from './file-lock.ts';
export { readDirectory, readStart, readWhole } from './read-directory.ts';
export type { FileStart } from './read-directory.ts';
export { removedLockSuffix, removeUnusedLock } from './remove-lock.ts';
export { syncDirectory, syncFile, syncParent } from './sync.ts';
export { appendDurably, rewriteDurably, writeFileAtomic } from './write-atomic.ts';
export type { WriteFileAtomicOptions } from './write-atomic.ts';
export { writeNewFile } from './write-new.ts';
export type { WriteNewFileOptions } from './write-new.ts';
