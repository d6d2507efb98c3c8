/** Chunks as they come, read as pieces of wanted lengths. */

/** Reads from a sequence of chunks. Close it by `[Symbol.asyncDispose]`, which ends the sequence. */
export class ChunkReader implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, which belong to the caller; fewer only at the end. */
  async take(length: number): Promise<Buffer> {
    if (this.#rest.length < length) await this.#fill(length);
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }

  async #fill(length: number): Promise<void> {
    const chunks = [this.#rest];
    for (let have = this.#rest.length; have < length; ) {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      chunks.push(next.value);
      have += next.value.length;
    }
    this.#rest = Buffer.concat(chunks);
  }
}
