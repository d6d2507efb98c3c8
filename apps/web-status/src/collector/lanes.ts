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

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** Work that took longer is slow. */
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
    const lane = this.#slowOnes.has(owner) ? this.#slow : this.#quick;
    return lane.run(async () => {
      const beganMs = performance.now();
      try {
        return await work();
      } finally {
        if (performance.now() - beganMs > slowMs) this.#slowOnes.add(owner);
        else this.#slowOnes.delete(owner);
      }
    });
  }
}
