/** The disk as one program sees it: the calls of node:fs/promises, each of which goes through the queue. */
import { constants } from 'node:fs';
import type { CallQueue, DiskCallKind } from './call-queue.ts';
import { type ExactFacts, type FileTable, openFlags } from './file-table.ts';
import { OpenDirectory, OpenFile } from './open-file.ts';
import type { Random } from './random.ts';
import { SystemError } from './system-error.ts';

/** A handle of a {@link DiskMount}: the part of node's FileHandle that is modelled. */
export interface DiskHandle extends AsyncDisposable {
  writev(buffers: readonly Uint8Array[], position?: number): Promise<{ readonly bytesWritten: number }>;
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  stat(): Promise<{ readonly size: number }>;
  stat(options: { readonly bigint: true }): Promise<ExactFacts>;
  truncate(size: number): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The part of node:fs/promises that is modelled. After the death of its program every call fails. */
export interface DiskMount {
  open(path: string, flags: string | number, mode?: number): Promise<DiskHandle>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<{ readonly size: number }>;
  lstat(path: string, options: { readonly bigint: true }): Promise<ExactFacts>;
  utimes(path: string, accessed: number, modified: number): Promise<void>;
  mkdir(path: string, options: { readonly recursive: boolean; readonly mode: number }): Promise<string | undefined>;
  readdir(path: string, options: { readonly withFileTypes: true }): Promise<{ readonly name: string; isFile(): boolean }[]>;
}

/** What a {@link Mount} works with. */
export interface MountOptions {
  readonly table: FileTable;
  readonly queue: CallQueue;
  readonly random: Random;
  /** How often a write stops short. */
  readonly restlessness: number;
}

/** A call before it waits. */
export interface CallRequest<T> {
  readonly kind: DiskCallKind;
  readonly path: string;
  /** Done at once, when the call is made. */
  readonly begin?: (() => void) | undefined;
  /** Done at the end of the call. */
  readonly perform: () => T;
  /** What is left of it when the disk fails it; nothing or all of it, at random, unless given. */
  readonly fail?: (() => void) | undefined;
}

/** See {@link DiskMount}. */
export class Mount implements DiskMount {
  readonly table: FileTable;
  readonly random: Random;
  readonly restlessness: number;
  readonly #queue: CallQueue;
  #isDead = false;

  constructor(options: MountOptions) {
    this.table = options.table;
    this.random = options.random;
    this.restlessness = options.restlessness;
    this.#queue = options.queue;
  }

  die(): void {
    this.#isDead = true;
  }

  open(path: string, flags: string | number): Promise<DiskHandle> {
    const bits = openFlags(flags);
    return this.call({
      kind: 'open',
      path,
      perform: () => {
        if (this.table.names.isDirectory(path)) {
          if (bits !== constants.O_RDONLY) throw new SystemError('EISDIR', 'open', path);
          return new OpenDirectory(this, path);
        }
        return new OpenFile(this, { path, file: this.table.open(path, bits), isAppending: (bits & constants.O_APPEND) !== 0 });
      },
      fail: () => {
        if ((bits & constants.O_CREAT) !== 0 && this.random.chance(0.5)) this.table.close(this.table.open(path, bits));
      },
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.call({ kind: 'rename', path: from, perform: () => this.table.rename(from, to) });
  }

  link(from: string, to: string): Promise<void> {
    return this.call({ kind: 'link', path: from, perform: () => this.table.link(from, to) });
  }

  unlink(path: string): Promise<void> {
    return this.call({ kind: 'unlink', path, perform: () => this.table.unlink(path) });
  }

  stat(path: string): Promise<{ readonly size: number }> {
    return this.call({ kind: 'stat', path, perform: () => ({ size: this.table.get(path).size }) });
  }

  lstat(path: string): Promise<ExactFacts> {
    return this.call({ kind: 'lstat', path, perform: () => this.table.factsAt(path) });
  }

  utimes(path: string, _accessed: number, modified: number): Promise<void> {
    const nanoseconds = BigInt(Math.round(modified * 1e6)) * 1000n;
    return this.call({ kind: 'utimes', path, perform: () => this.table.setTime(path, nanoseconds) });
  }

  mkdir(path: string, { recursive }: { readonly recursive: boolean }): Promise<string | undefined> {
    const perform = (): string | undefined => (recursive ? this.table.makeDirectories(path) : this.table.makeDirectory(path));
    return this.call({ kind: 'mkdir', path, perform });
  }

  readdir(path: string): Promise<{ readonly name: string; isFile(): boolean }[]> {
    return this.call({
      kind: 'readdir',
      path,
      perform: () => {
        if (!this.table.names.isDirectory(path)) throw new SystemError('ENOENT', 'scandir', path);
        const { names } = this.table;
        return names.in(path).map((entry) => ({ name: entry.slice(path.length + 1), isFile: () => !names.isDirectory(entry) }));
      },
    });
  }

  /** Puts a call in the queue and gives what comes of it. */
  call<T>(request: CallRequest<T>): Promise<T> {
    const { kind, path, perform } = request;
    if (this.#isDead) return Promise.reject(new SystemError('ESHUTDOWN', kind, path));
    request.begin?.();
    const fail = request.fail ?? ((): void => void (this.random.chance(0.5) && perform()));
    return new Promise<T>((resolve, reject) => {
      this.#queue.add({ kind, path, perform, fail, resolve: resolve as (value: unknown) => void, reject });
    });
  }
}
