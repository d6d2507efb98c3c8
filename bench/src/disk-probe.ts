/** What a flush costs on a disk, with nobody's program between: 8 kB written behind one another, each with an fdatasync of its own. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

const writeBytes = 8192;
const fileBytes = 16 * 1024 * 1024;

/** A file to try it with. The directory belongs to the caller and must outlive it. */
export class DiskProbe implements Disposable {
  readonly #file: number;
  readonly #block = randomBytes(writeBytes);
  #at = 0;

  constructor(directory: string) {
    this.#file = openSync(join(directory, 'probe'), 'w');
  }

  /** Writes and flushes once; how long the flush took, in milliseconds. Nothing else of this process runs meanwhile. */
  flush(): number {
    writeSync(this.#file, this.#block, 0, writeBytes, this.#at);
    this.#at = (this.#at + writeBytes) % fileBytes;
    const startedAtMs = performance.now();
    fdatasyncSync(this.#file);
    return performance.now() - startedAtMs;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
