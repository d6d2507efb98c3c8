/** Open files and directories of a mount. */
import type { CachedFile, FileSync } from './cached-file.ts';
import type { ExactFacts } from './file-table.ts';
import type { CallRequest, DiskHandle, Mount } from './mount.ts';
import { SystemError } from './system-error.ts';

/** What is opened. */
interface Opened {
  readonly path: string;
  readonly file: CachedFile;
  readonly isAppending: boolean;
}

/** An open file. */
export class OpenFile implements DiskHandle {
  readonly #mount: Mount;
  readonly #opened: Opened;
  /** The errors of writing back that it was told of. */
  #errorsTold: number;
  #position = 0;
  #isClosed = false;

  constructor(mount: Mount, opened: Opened) {
    this.#mount = mount;
    this.#opened = opened;
    this.#errorsTold = opened.file.errorsAtOpen();
  }

  writev(buffers: readonly Uint8Array[], position?: number): Promise<{ readonly bytesWritten: number }> {
    const write = (share: number): { bytesWritten: number } => {
      const { file, isAppending, path } = this.#opened;
      this.#mount.table.mustBeWritable(path);
      const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      const at = isAppending ? file.size : (position ?? this.#position);
      const taken = this.#amountTaken(at, Math.floor(length * share));
      if (taken === 0 && length > 0 && share === 1) throw new SystemError('ENOSPC', 'writev', path);
      let done = 0;
      for (const buffer of buffers) {
        const part = buffer.subarray(0, taken - done);
        file.write(at + done, part); // at the end of the call: until then the bytes belong to it
        done += part.length;
      }
      if (position === undefined) this.#position = at + taken;
      return { bytesWritten: taken };
    };
    return this.#call({ kind: 'writev', perform: () => write(1), fail: () => write(this.#mount.random.next()) });
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }> {
    const perform = (): { bytesRead: number } => {
      const bytes = this.#opened.file.content().subarray(position, position + length);
      buffer.set(bytes, offset);
      return { bytesRead: bytes.length };
    };
    return this.#call({ kind: 'read', perform });
  }

  stat(): Promise<{ readonly size: number }>;
  stat(options: { readonly bigint: true }): Promise<ExactFacts>;
  stat(options?: { readonly bigint: true }): Promise<{ readonly size: number } | ExactFacts> {
    const { file } = this.#opened;
    const perform = () => (options === undefined ? { size: file.size } : this.#mount.table.exactFacts(file));
    return this.#call({ kind: 'fstat', perform });
  }

  truncate(size: number): Promise<void> {
    const perform = (): void => {
      this.#mount.table.mustBeWritable(this.#opened.path);
      this.#opened.file.truncate(size);
    };
    return this.#call({ kind: 'truncate', perform });
  }

  datasync(): Promise<void> {
    return this.#sync('datasync');
  }

  sync(): Promise<void> {
    return this.#sync('sync');
  }

  async close(): Promise<void> {
    const perform = (): void => this.#mount.table.close(this.#opened.file);
    const closing = this.#call({ kind: 'close', perform, fail: perform }); // it is closed, whatever close(2) says
    this.#isClosed = true;
    await closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#isClosed ? Promise.resolve() : this.close();
  }

  /** How much of a write the disk takes: all of it, mostly. */
  #amountTaken(position: number, bytes: number): number {
    const { table, random, restlessness } = this.#mount;
    const room = table.roomFor(this.#opened.file, position, bytes);
    return room > 1 && random.chance(restlessness) ? 1 + random.below(room - 1) : room;
  }

  /** Both kinds are one here: the size counts for both, and times are not in the model. */
  #sync(kind: 'datasync' | 'sync'): Promise<void> {
    const { file, path } = this.#opened;
    let sync: FileSync;
    return this.#call({
      kind,
      begin: () => {
        sync = file.beginSync();
      },
      perform: () => {
        file.endSync(sync);
        const errors = file.seeErrors();
        const isTold = errors === this.#errorsTold;
        this.#errorsTold = errors;
        if (!isTold) throw new SystemError('EIO', kind, path);
      },
      fail: () => file.failSync(sync, this.#mount.random),
    });
  }

  #call<T>(request: Omit<CallRequest<T>, 'path'>): Promise<T> {
    const { path } = this.#opened;
    if (this.#isClosed) return Promise.reject(new SystemError('EBADF', request.kind, path));
    return this.#mount.call({ ...request, path });
  }
}

/** An open directory, which can be synced and nothing else. */
export class OpenDirectory implements DiskHandle {
  readonly #mount: Mount;
  readonly #path: string;

  constructor(mount: Mount, path: string) {
    this.#mount = mount;
    this.#path = path;
  }

  sync(): Promise<void> {
    const { names } = this.#mount.table;
    const sync = names.beginSync(this.#path);
    return this.#mount.call({
      kind: 'sync',
      path: this.#path,
      perform: () => names.endSync(sync),
      fail: () => names.writeBack(this.#mount.random, this.#mount.random.next()),
    });
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  async close(): Promise<void> {
    await this.#mount.call({ kind: 'close', path: this.#path, perform: () => undefined });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stat(): Promise<never> {
    return this.#refuse('fstat');
  }

  writev(): Promise<never> {
    return this.#refuse('writev');
  }

  read(): Promise<never> {
    return this.#refuse('read');
  }

  truncate(): Promise<never> {
    return this.#refuse('truncate');
  }

  #refuse(call: string): Promise<never> {
    return Promise.reject(new SystemError('EISDIR', call, this.#path));
  }
}
