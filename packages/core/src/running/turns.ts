/**
 * Turns for work that takes much memory or processor time, so that many servers in one process do it one after another: first come,
 * first served.
 *
 * Nobody can hold up the others for ever: who takes longer than the lease goes on, but does not count any more.
 */

/** At most so many turns at a time. */
export class Turns {
  readonly #leaseMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param leaseMs after so long a turn counts as over, whether it is or not */
  constructor(atATime: number, leaseMs: number) {
    this.#free = atATime;
    this.#leaseMs = leaseMs;
  }

  /** Waits for a turn; disposing of it ends it. @throws the reason of the signal */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(lease);
      this.#pass();
    };
    const lease = setTimeout(end, this.#leaseMs);
    lease.unref();
    return { [Symbol.dispose]: end };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const proceed = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(proceed);
    });
  }

  /** The next one in the queue takes over what is given back. */
  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
