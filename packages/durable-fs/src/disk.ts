/**
 * The system calls that walvault makes on files whose durability counts, as a port: real files, or a model of a disk in tests.
 *
 * It is a part of node:fs/promises, word for word, so the real disk is that module itself and costs nothing more. A
 * directory is opened like a file, to be synced. Failures are system errors (`code: 'ENOSPC'`), which the functions
 * of this package turn into a {@link FileSystemError}.
 */
import * as fs from 'node:fs/promises';

/** A file system. */
export interface Disk {
  /** `flags` as for open(2): `r`, `a`, `wx`, or the bits of `constants.O_*`; `mode` are the permission bits of a new file. */
  open(path: string, flags: string | number, mode?: number): Promise<DiskFile>;
  /** Replaces `to` in one step, if it is there. */
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name; EEXIST when that is taken. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<FileFacts>;
  /** Of the path itself, also where it is a symbolic link. */
  lstat(path: string, options: { readonly bigint: true }): Promise<ExactFileFacts>;
  /** Sets the times of access and of the last change, in seconds since 1970. */
  utimes(path: string, accessed: number, modified: number): Promise<void>;
  /** Makes one directory; EEXIST where there is something under its name. */
  mkdir(path: string, options: { readonly recursive: false; readonly mode: number }): Promise<unknown>;
  /** All entries but `.` and `..`, in no order. */
  readdir(path: string, options: { readonly withFileTypes: true }): Promise<DirectoryEntry[]>;
}

/** An open file of a {@link Disk}. Positions and sizes are bytes from the start of the file. */
export interface DiskFile extends AsyncDisposable {
  /** The descriptor of a file of the operating system; small writes go to it without a detour over a thread. */
  readonly fd?: number | undefined;
  /** Writes as much as the system takes at once, which may be less than all; without `position` at the end of what was written. */
  writev(buffers: readonly Uint8Array[], position?: number): Promise<{ readonly bytesWritten: number }>;
  /** Reads into `buffer` from `offset`; 0 bytes at the end of the file. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  stat(): Promise<FileFacts>;
  stat(options: { readonly bigint: true }): Promise<ExactFileFacts>;
  /** Cuts the file, or makes it longer with zeros that take no room. */
  truncate(size: number): Promise<void>;
  /** fdatasync: the content, and the size that it takes to read it. */
  datasync(): Promise<void>;
  /** fsync; of a directory: its entries. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What a {@link Disk} says about a file. */
export interface FileFacts {
  readonly size: number;
}

/** All that a {@link Disk} says about a file. */
export interface ExactFileFacts {
  readonly size: bigint;
  /** Number of the file on its device: two names with the same one are one file. */
  readonly ino: bigint;
  readonly dev: bigint;
  /** How many names it has. */
  readonly nlink: bigint;
  /** Type and permission bits. */
  readonly mode: bigint;
  /** Last change of the content, in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  isFile(): boolean;
}

/** What a {@link Disk} says about an entry of a directory. */
export interface DirectoryEntry {
  readonly name: string;
  isFile(): boolean;
}

/** The file system of the operating system. */
export const nodeDisk: Disk = fs;
