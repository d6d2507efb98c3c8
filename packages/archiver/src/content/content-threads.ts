/**
 * The work on whole contents that takes a processor longest: checksum, compression, and the comparison of what was stored. Where there is much to
 * do it is done by threads of their own, that share the memory of the contents: two processors are kept busy then, and the memory that
 * compressing uses up is cleared away by threads that have nothing else.
 */
import { createHash } from 'node:crypto';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { ContentAnswer, ContentTask } from './content-thread.ts';
import { movableMemory } from './movable-memory.ts';
import { type ZlibCodec, zlibCompress, zlibDecodeWhole } from './zlib-codecs.ts';

/** Does work on contents that are in memory as a whole. A content must not change before its work is done; it stays the caller's. */
export class ContentThreads implements AsyncDisposable {
  readonly #count: number;
  #threads: ContentThread[] = [];
  /** Bytes that are still worked on without them. */
  #bytesBefore: number;

  /**
   * @param count threads at most; without any the work is done in this thread, and by those of Node
   * @param fromBytes how many bytes of work come before they are worth their start
   */
  constructor(count: number, fromBytes: number = defaultFromBytes) {
    this.#count = count;
    this.#bytesBefore = fromBytes;
  }

  /** Begins with all of them now, for much that is about to come: they get ready while the first content is read. */
  begin(): void {
    this.#bytesBefore = 0;
    while (this.#threads.length < this.#count) this.#threads.push(new ContentThread());
  }

  /** In hexadecimal. */
  async sha256(content: Buffer): Promise<string> {
    const task = this.#taskOn(content, { kind: 'sha256' });
    if (task === undefined) return createHash('sha256').update(content).digest('hex');
    return (await this.#do(task)) as string;
  }

  /** The result is the caller's. */
  async compress(codec: ZlibCodec, level: number | undefined, content: Buffer): Promise<Buffer> {
    const task = this.#taskOn(content, { kind: 'compress', codec, level });
    if (task === undefined) return zlibCompress(codec, level, content);
    const { buffer, byteOffset, length } = (await this.#do(task)) as Uint8Array;
    return Buffer.from(buffer, byteOffset, length);
  }

  /**
   * Whether what is stored, which is given away, decompresses to the content; undefined where there is more than one member or frame, more
   * bytes, or damage.
   */
  async matches(codec: ZlibCodec, stored: Buffer, content: Buffer): Promise<boolean | undefined> {
    const task = this.#taskOn(content, { kind: 'matches', codec, stored });
    if (task !== undefined) return (await this.#do(task)) as boolean | undefined;
    const sizes = { expected: content.length, limit: content.length };
    return (await zlibDecodeWhole(codec, stored, sizes))?.equals(content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread[Symbol.asyncDispose]()));
  }

  #taskOn({ buffer, byteOffset, length }: Buffer, work: ContentTask['work']): ContentTask | undefined {
    this.#bytesBefore -= length;
    if (this.#count === 0 || this.#bytesBefore >= 0 || !(buffer instanceof SharedArrayBuffer) || byteOffset !== 0)
      return undefined;
    return { memory: buffer, length, work };
  }

  /** By the thread that has least to do; a new one if all have something. */
  async #do(task: ContentTask): Promise<unknown> {
    this.#threads = this.#threads.filter(({ hasEnded }) => !hasEnded);
    const [idlest] = this.#threads.toSorted((one, other) => one.waiting - other.waiting);
    if (idlest !== undefined && (idlest.waiting === 0 || this.#threads.length === this.#count)) return idlest.do(task);
    const thread = new ContentThread();
    this.#threads.push(thread);
    return thread.do(task);
  }
}

/** As much as three segments of 16 MiB make. */
const defaultFromBytes = 150_000_000;

/** One thread. It does one task after another. */
class ContentThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #expected: PromiseWithResolvers<unknown>[] = [];
  #hasEnded = false;

  constructor() {
    // Beside this file under the name that it has there: as source, or built.
    const name = import.meta.url.endsWith('.ts') ? 'content-thread.ts' : 'content-thread.js';
    this.#worker = new Worker(new URL(name, import.meta.url), {
      env: SHARE_ENV,
      // None of this process's own: with `--eval` a thread would not begin.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    this.#worker.on('message', (answer: ContentAnswer) => {
      const task = this.#expected.shift();
      if ('result' in answer) task?.resolve(answer.result);
      else task?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
    });
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('messageerror', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('a thread has ended before its work was done')));
  }

  /** It does nothing any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get waiting(): number {
    return this.#expected.length;
  }

  async do(task: ContentTask): Promise<unknown> {
    const expected = Promise.withResolvers<unknown>();
    this.#expected.push(expected);
    this.#worker.postMessage(task, task.work.kind === 'matches' ? movableMemory(task.work.stored) : []);
    return expected.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  /** Nobody waits for an answer that does not come: the archiver would hold its lock for ever. */
  #end(error: Error): void {
    this.#hasEnded = true;
    for (const task of this.#expected.splice(0)) task.reject(error);
    void this.#worker.terminate();
  }
}
