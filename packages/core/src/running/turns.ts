/**
 * Turns for work that takes much memory or processor time, so that many servers in one process do it one after another: first come,
 * first served.
 *
 * Nobody can hold up the others for ever: who has not got on for as long as the lease goes on, but does not count any more. Then there is
 * one more at a time. Slow work that gets on, such as a compression that takes seconds for each file, keeps its turn.
 */

/** Whoever has not got on for so long hangs, or has a script that does. A file takes some seconds where compression is slow. */
export const leaseMs = 30_000;

/** A turn. Disposing of it ends it. */
export interface Turn extends Disposable {
  /** To be called when the work has got on: the lease begins anew. */
  gotOn(): void;
}

/** At most so many turns at a time. */
export class Turns {
  readonly #leaseMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param leaseMs a turn in which nothing has got on for so long counts as over, whether it is or not */
  constructor(atATime: number, leaseMs: number) {
    this.#free = atATime;
    this.#leaseMs = leaseMs;
  }

  /** Waits for a turn; disposing of it ends it. @throws the reason of the signal */
  async take(signal: AbortSignal): Promise<Turn> {
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
    return { gotOn: () => void (isOver || lease.refresh()), [Symbol.dispose]: end };
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

/** A turn with each of several, which are taken in this order. @throws the reason of the signal */
export async function oneByOne(all: readonly Turns[], signal: AbortSignal): Promise<Turn> {
  using taken = new DisposableStack();
  const turns: Turn[] = [];
  for (const each of all) turns.push(taken.use(await each.take(signal)));
  const held = taken.move();
  const gotOn = (): void => {
    for (const turn of turns) turn.gotOn();
  };
  return { gotOn, [Symbol.dispose]: () => held.dispose() };
}
