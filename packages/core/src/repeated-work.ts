/** Work that is asked for again and again, and is done one time after the other. */

/** Of what is asked for while the work is being done, once is enough: behind a disk that hangs nothing piles up. */
export class RepeatedWork {
  readonly #work: () => Promise<void>;
  #last: Promise<void> = Promise.resolve();
  #isDue = false;

  /** @param work looks at everything when it begins; never rejects */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Has it done once more, from its beginning, as soon as that can be. */
  again(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#last = this.#last.then(() => {
      this.#isDue = false;
      return this.#work();
    });
  }

  /** Waits until all that was asked for is done. */
  async done(): Promise<void> {
    await this.#last;
  }
}
