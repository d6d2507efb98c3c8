/**
 * Memory for whole contents that is used again. Sixteen megabytes of new memory for each segment cost the system and the garbage collector
 * more time than reading them; and who archives for many servers in one process would hold what the collector has not come to yet.
 */

/** Buffers that nobody uses, to be lent to one content after the other. Other threads can be given a part in them. */
export class SpareMemory {
  readonly #most: number;
  readonly #free: SharedArrayBuffer[] = [];

  /** @param most so many buffers are kept for later; what many have borrowed at once is not held for ever */
  constructor(most: number = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  /** A buffer of exactly this many bytes, at the beginning of its memory, with anything in them. It is the caller's until it is given back. */
  take(size: number): Buffer {
    const fitting = this.#free.filter(({ byteLength }) => byteLength >= size).toSorted((a, b) => a.byteLength - b.byteLength)[0];
    if (fitting === undefined) {
      // What is too small now would pile up.
      this.#free.length = 0;
      return Buffer.from(new SharedArrayBuffer(size));
    }
    this.#free.splice(this.#free.indexOf(fitting), 1);
    return Buffer.from(fitting, 0, size);
  }

  /** Takes back what {@link take} gave; nobody may use it any more. */
  give({ buffer }: Buffer): void {
    if (buffer instanceof SharedArrayBuffer && this.#free.length < this.#most) this.#free.push(buffer);
  }
}
