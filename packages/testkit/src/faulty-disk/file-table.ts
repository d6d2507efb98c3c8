/** The file system under the calls: names led to files, with the refusals that a kernel has for what cannot be. */
import { constants } from 'node:fs';
import { CachedFile } from './cached-file.ts';
import { type Names, parentOf } from './names.ts';
import { SystemError } from './system-error.ts';

/** What is told of a file by stat(2) in big integers. */
export interface ExactFacts {
  readonly size: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
  readonly nlink: bigint;
  readonly mode: bigint;
  readonly mtimeNs: bigint;
  isFile(): boolean;
}

/** What a {@link FileTable} works on. */
export interface FileTableOptions {
  /** Where room and permission are looked up at each change. */
  readonly disk: { readonly capacityBytes: number; readonly isReadOnly: boolean };
  readonly names: Names<CachedFile>;
  readonly sectorBytes: number;
}

const flagsOfText: Readonly<Record<string, number>> = {
  r: constants.O_RDONLY,
  'r+': constants.O_RDWR,
  a: constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND,
  w: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
  wx: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
};

/** The bits of the flags of open(2). */
export function openFlags(flags: string | number): number {
  const bits = typeof flags === 'number' ? flags : flagsOfText[flags];
  if (bits === undefined) throw new Error(`the flags "${flags}" are not in the model`);
  return bits;
}

/** Files by their names, and those that are open without one. */
export class FileTable {
  readonly names: Names<CachedFile>;
  readonly #options: FileTableOptions;
  readonly #open = new Map<CachedFile, number>();
  readonly #made: CachedFile[] = [];

  constructor(options: FileTableOptions) {
    this.#options = options;
    this.names = options.names;
  }

  /** The file of that name. */
  get(path: string): CachedFile {
    const file = this.names.get(path);
    if (file === undefined) throw new SystemError(this.names.isDirectory(path) ? 'EISDIR' : 'ENOENT', 'look up', path);
    return file;
  }

  /** Opens or makes a file. The caller closes it. */
  open(path: string, flags: number): CachedFile {
    const found = this.names.get(path);
    if (found !== undefined && (flags & constants.O_EXCL) !== 0) throw new SystemError('EEXIST', 'open', path);
    if ((flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0) this.mustBeWritable(path);
    const file = found ?? ((flags & constants.O_CREAT) === 0 ? this.get(path) : this.#create(path));
    if ((flags & constants.O_TRUNC) !== 0) file.truncate(0);
    this.#open.set(file, (this.#open.get(file) ?? 0) + 1);
    return file;
  }

  close(file: CachedFile): void {
    const left = (this.#open.get(file) ?? 1) - 1;
    if (left === 0) this.#open.delete(file);
    else this.#open.set(file, left);
  }

  closeAll(): void {
    this.#open.clear();
  }

  rename(from: string, to: string): void {
    this.mustBeWritable(from);
    this.get(from);
    this.#mustHavePlace(to);
    if (this.names.isDirectory(to)) throw new SystemError('EISDIR', 'rename', to);
    this.names.rename(from, to);
  }

  link(from: string, to: string): void {
    this.mustBeWritable(to);
    const file = this.get(from);
    if (this.names.get(to) !== undefined || this.names.isDirectory(to)) throw new SystemError('EEXIST', 'link', to);
    this.#mustHavePlace(to);
    this.names.create(to, file);
  }

  /** Makes one directory. */
  makeDirectory(path: string): undefined {
    if (this.names.get(path) !== undefined || this.names.isDirectory(path)) throw new SystemError('EEXIST', 'mkdir', path);
    this.#mustHavePlace(path);
    this.mustBeWritable(path);
    this.names.createDirectory(path);
  }

  /** Makes a directory, and those above it that are missing; gives the first one that was made. */
  makeDirectories(path: string): string | undefined {
    if (this.names.isDirectory(path)) return undefined;
    if (path === '') throw new SystemError('ENOENT', 'mkdir', path);
    if (this.names.get(path) !== undefined) throw new SystemError('EEXIST', 'mkdir', path);
    this.mustBeWritable(path);
    const above = this.makeDirectories(parentOf(path));
    this.names.createDirectory(path);
    return above ?? path;
  }

  setTime(path: string, mtimeNs: bigint): void {
    this.mustBeWritable(path);
    this.get(path).mtimeNs = mtimeNs;
  }

  /** Of a file or a directory. */
  factsAt(path: string): ExactFacts {
    if (!this.names.isDirectory(path)) return this.exactFacts(this.get(path));
    return { size: 0n, ino: 0n, dev: 1n, mode: 0o040_700n, mtimeNs: 0n, nlink: 2n, isFile: () => false };
  }

  exactFacts(file: CachedFile): ExactFacts {
    const facts = { size: BigInt(file.size), ino: BigInt(file.number), dev: 1n, mode: 0o100_600n, mtimeNs: file.mtimeNs };
    return { ...facts, nlink: BigInt(this.names.count(file)), isFile: () => true };
  }

  unlink(path: string): void {
    this.mustBeWritable(path);
    this.get(path);
    this.names.remove(path);
  }

  /** How many of `bytes` there is room for; none is ENOSPC. */
  roomFor(file: CachedFile, position: number, bytes: number): number {
    const { capacityBytes } = this.#options.disk;
    return capacityBytes === Number.POSITIVE_INFINITY ? bytes : file.fitting(position, bytes, capacityBytes - this.#usedBytes());
  }

  /** Gives the memory of all files to other disks. */
  discard(): void {
    for (const file of this.#made) file.discard();
  }

  mustBeWritable(path: string): void {
    if (this.#options.disk.isReadOnly) throw new SystemError('EROFS', 'change', path);
  }

  #create(path: string): CachedFile {
    this.#mustHavePlace(path);
    const file = new CachedFile(this.#options.sectorBytes, this.#made.length + 1);
    this.#made.push(file);
    this.names.create(path, file);
    return file;
  }

  #mustHavePlace(path: string): void {
    if (!this.names.isDirectory(parentOf(path))) throw new SystemError('ENOENT', 'look up', path);
  }

  #usedBytes(): number {
    const files = new Set([...this.names.files(), ...this.#open.keys()]);
    return [...files].reduce((sum, file) => sum + file.allocatedBytes, 0);
  }
}
