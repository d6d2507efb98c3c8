/**
 * Memory for whole contents that is used again. Sixteen megabytes of new memory for each segment cost the system and the garbage collector
 * more time than reading them.
 */

/** Buffers that nobody uses, to be lent to one content after the other. Other threads can be given a part in them. */
export class SpareMemory {
  readonly #free: Buffer[] = [];

  /** A buffer of exactly this many bytes, with anything in them. It is the caller's until it is given back. */
  take(size: number): Buffer {
    const index = this.#free.findIndex((buffer) => buffer.length === size);
    return this.#free.splice(index, index === -1 ? 0 : 1)[0] ?? Buffer.from(new SharedArrayBuffer(size));
  }

  /** Takes back what {@link take} gave; nobody may use it any more. */
  give(buffer: Buffer): void {
    this.#free.push(buffer);
    // What has another size than what is read now is of no use, and would pile up.
    for (let index = this.#free.length - 1; index >= 0; index -= 1)
      if (this.#free[index]?.length !== buffer.length) this.#free.splice(index, 1);
  }
}
