/**
 * Work on several things at a time whose results are used in the order in which they were begun, several at once.
 *
 *   add -> work, some at a time -> finish, one group after another
 *
 * A group is finished when it is large enough, or when nothing more comes.
 */

/** How a lane is to be. */
export interface LaneOptions<Result> {
  /** How many pieces of work are under way at a time. */
  readonly workers: number;
  /** How many may be under way, or wait to be finished, in all. */
  readonly room: number;
  /** How many must be ready to be finished, as long as more may come; not more than `room`. */
  readonly groupSize: number;
  /** Uses results, which are in order. Called again when it is done. */
  readonly finish: (group: readonly Result[]) => Promise<void>;
}

interface Entry<Result> {
  outcome: { readonly result: Result } | 'failed' | undefined;
}

/** See above. The first error, of the work or of `finish`, ends it: what is under way is waited for, and nothing more is begun. */
export class OrderedLane<Result> {
  readonly #options: LaneOptions<Result>;
  #entries: Entry<Result>[] = [];
  #working = 0;
  /** How many are being finished. */
  #finishing = 0;
  #failure: { readonly error: unknown } | undefined;
  #isBroken = false;
  /** Nothing more comes for now. */
  #isEnding = false;
  #change = Promise.withResolvers<void>();

  constructor(options: LaneOptions<Result>) {
    this.#options = options;
  }

  /** How many are under way or wait to be finished. */
  get size(): number {
    return this.#entries.length + this.#finishing;
  }

  /** Waits until something changes. */
  async change(): Promise<void> {
    await this.#change.promise;
  }

  /** Waits until there is room for one more. @throws the first error */
  async room(): Promise<void> {
    while (this.#failure === undefined && this.size >= this.#options.room) await this.change();
    this.#throwFailure();
  }

  /** Waits until one more can be worked on. What went wrong with another one is told by the next {@link room}. */
  async worker(): Promise<void> {
    while (this.#working >= this.#options.workers) await this.change();
  }

  /** Begins a piece of work. Wait for {@link room}, and for a {@link worker}, before. */
  add(work: Promise<Result>): void {
    const entry: Entry<Result> = { outcome: undefined };
    this.#entries.push(entry);
    this.#isEnding = false;
    this.#working += 1;
    void this.#await(entry, work);
  }

  /** Finishes what is ready, and what will be, without waiting for a whole group; until something is added. */
  settle(): void {
    this.#isEnding = true;
    void this.#finishReady();
  }

  /** Waits until everything is finished that can be. @throws the first error */
  async drain(): Promise<void> {
    this.settle();
    while (this.size > 0) await this.change();
    this.#throwFailure();
  }

  async #await(entry: Entry<Result>, work: Promise<Result>): Promise<void> {
    try {
      entry.outcome = { result: await work };
    } catch (error) {
      entry.outcome = 'failed';
      this.#failure ??= { error };
    }
    this.#working -= 1;
    this.#tellChange();
    await this.#finishReady();
  }

  async #finishReady(): Promise<void> {
    while (this.#finishing === 0) {
      const group = this.#takeReady();
      if (group === undefined) return;
      this.#finishing = group.length;
      try {
        if (group.length > 0 && !this.#isBroken) await this.#options.finish(group);
      } catch (error) {
        this.#failure ??= { error };
        this.#isBroken = true;
      }
      this.#finishing = 0;
      this.#tellChange();
    }
  }

  /** Those at the head of the lane whose work is done; undefined when there are none. */
  #takeReady(): Result[] | undefined {
    const end = this.#entries.findIndex(({ outcome }) => outcome === undefined);
    const count = end === -1 ? this.#entries.length : end;
    if (count === 0 || (count < this.#options.groupSize && !this.#isEnding)) return undefined;
    const ready = this.#entries.splice(0, count);
    return ready.flatMap(({ outcome }) => (typeof outcome === 'object' ? [outcome.result] : []));
  }

  #tellChange(): void {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers<void>();
    resolve();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
