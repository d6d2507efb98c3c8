/**
 * Continuous group flush: at most one flush runs at a time; while it runs, requests add up to one more.
 *
 * So the disk is as busy as it can be with the fewest flushes, each of which takes along everything that was written
 * before it began; a single small commit is flushed at once, a thousand that arrive together in one go.
 */

/** What a {@link GroupFlush} drives. */
export interface GroupFlushOptions {
  /** Makes everything durable that has been written so far. Never called twice at a time. */
  readonly flush: () => Promise<void>;
  /** Called after each flush with its duration in milliseconds. */
  readonly onFlushed: (durationMs: number) => void;
  /** Called once, when a flush failed. No flush runs after that. */
  readonly onFailed: (error: unknown) => void;
}

/** Runs flushes one after another, on request. */
export class GroupFlush {
  readonly #options: GroupFlushOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: GroupFlushOptions) {
    this.#options = options;
  }

  /** Asks for a flush of what is written by now: at once, or as soon as the one that runs is done. */
  request(): void {
    if (this.#failure !== undefined) return;
    if (this.#running === undefined) this.#running = this.#run();
    else this.#again = true;
  }

  /**
   * Waits until no flush is running and none is asked for.
   * @throws what the flush threw, if one ever failed
   */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Never rejects: a failure is kept for {@link settled} and told to `onFailed`. */
  async #run(): Promise<void> {
    try {
      do {
        this.#again = false;
        const startedAt = performance.now();
        await this.#options.flush();
        this.#options.onFlushed(performance.now() - startedAt);
      } while (this.#again);
    } catch (error) {
      this.#failure = { error };
      this.#options.onFailed(error);
    } finally {
      this.#running = undefined;
    }
  }
}
