/**
 * Who may work when: so many at a time, first come, first served. Work that took long goes into a lane of its own from then on, so that
 * servers that do not answer wait for each other and not the others for them.
 */

/** At most so many at a time. */
class Lane {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(width: number) {
    this.#free = width;
  }

  /** Waits for a place in it. What it returns gives the place to the next one, once. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isThere = true;
    return () => {
      if (isThere) this.#leave();
      isThere = false;
    };
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** Work that takes longer is slow. */
const slowMs = 2000;

/** Two lanes of the same width for work of one kind. */
export class Lanes {
  readonly #quick: Lane;
  readonly #slow: Lane;
  readonly #slowOnes = new Set<string>();

  constructor(width: number) {
    this.#quick = new Lane(width);
    this.#slow = new Lane(width);
  }

  /** Waits for its turn and works. @param owner whose work it is */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const isSlow = this.#slowOnes.has(owner);
    const leave = await (isSlow ? this.#slow : this.#quick).enter();
    const beganMs = performance.now();
    // Who turns out to be slow in the lane of the quick ones does not keep them waiting till the end.
    const timer = isSlow ? undefined : setTimeout(leave, slowMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      leave();
      if (performance.now() - beganMs > slowMs) this.#slowOnes.add(owner);
      else this.#slowOnes.delete(owner);
    }
  }
}
