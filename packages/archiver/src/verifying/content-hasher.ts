/**
 * SHA-256 of contents, by a thread of its own where there is much to do: taking it is as much work as checking the records, so that the
 * two share two processors well. A block is checked first and handed over then; the threads share its memory, but never use it at a time.
 */
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Block, BlockPool, FilledBlock } from './blocks.ts';
import type { FromHashThread, ToHashThread } from './hash-thread.ts';

/** Takes checksums, of one content after the other. */
export interface ContentHasher extends AsyncDisposable {
  /** Takes a block of the content, and gives it back to the pool when it is used up. Waits while there is too much to do. */
  update(filled: FilledBlock): Promise<void>;
  /** The checksum of what came since the last one, in hexadecimal; the next content begins. */
  digest(): Promise<string>;
}

/** From this volume on a thread is worth its start. */
const threadFromBytes = 64 * 1024 * 1024;
/** So many blocks may wait for it, so that a long segment is not held as a whole. */
const mostWaiting = 24;

/**
 * @param bytes how much there is to hash in all, about
 * @param isWanted false when nobody has anything to compare with: then nothing is hashed, and the checksums are empty
 */
export function contentHasher(pool: BlockPool, bytes: number, isWanted: boolean): ContentHasher {
  if (!isWanted) return new NoHasher(pool);
  return bytes < threadFromBytes ? new DirectHasher(pool) : new ThreadHasher(pool);
}

class NoHasher implements ContentHasher {
  readonly #pool: BlockPool;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  async update({ block }: FilledBlock): Promise<void> {
    this.#pool.give(block);
  }

  async digest(): Promise<string> {
    return '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held.
  }
}

class DirectHasher implements ContentHasher {
  readonly #pool: BlockPool;
  #hash = createHash('sha256');

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  async update({ block, bytes }: FilledBlock): Promise<void> {
    this.#hash.update(bytes);
    this.#pool.give(block);
  }

  async digest(): Promise<string> {
    const digest = this.#hash.digest('hex');
    this.#hash = createHash('sha256');
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held.
  }
}

class ThreadHasher implements ContentHasher {
  readonly #pool: BlockPool;
  readonly #worker: Worker;
  /** Those that the thread knows, by number. */
  readonly #blocks: Block[] = [];
  #answer = expected<string>();
  /** How many it has not given back, and who waits for one. */
  #waiting = 0;
  #room = expected<void>();

  constructor(pool: BlockPool) {
    this.#pool = pool;
    // Beside this file under the name that it has there: as source, or built.
    const name = import.meta.url.endsWith('.ts') ? 'hash-thread.ts' : 'hash-thread.js';
    this.#worker = new Worker(new URL(name, import.meta.url));
    this.#worker.on('message', (message: FromHashThread) => this.#take(message));
    this.#worker.on('error', (error) => {
      this.#answer.reject(error);
      this.#room.reject(error);
    });
  }

  async update({ block, bytes }: FilledBlock): Promise<void> {
    if (this.#blocks[block.id] === undefined) {
      this.#blocks[block.id] = block;
      this.#say({ block: block.id, memory: block.memory });
    }
    this.#say([block.id, bytes.length]);
    this.#waiting += 1;
    while (this.#waiting > mostWaiting) await this.#room.promise;
  }

  async digest(): Promise<string> {
    this.#say('digest');
    const digest = await this.#answer.promise;
    this.#answer = expected<string>();
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #say(message: ToHashThread): void {
    this.#worker.postMessage(message, []);
  }

  #take(message: FromHashThread): void {
    if (typeof message === 'string') {
      this.#answer.resolve(message);
      return;
    }
    this.#pool.give(this.#blocks[message] as Block);
    this.#waiting -= 1;
    this.#room.resolve();
    this.#room = expected<void>();
  }
}

/** Something to come. That it will not is told to whoever asks; nobody has to. */
function expected<T>(): PromiseWithResolvers<T> {
  const expectation = Promise.withResolvers<T>();
  expectation.promise.catch(() => undefined);
  return expectation;
}
