/** Intervals that pass when a test says so, in place of those of the process: a schedule takes no time, and yet they must have their turn. */

/** Stands in for `setInterval` until it is disposed of. One at a time. */
export class VirtualIntervals implements Disposable {
  readonly #real = { setInterval: globalThis.setInterval, clearInterval: globalThis.clearInterval };
  readonly #callbacks = new Map<object, () => void>();

  constructor() {
    const start = (callback: () => void): object => {
      const interval = {};
      this.#callbacks.set(interval, callback);
      return interval;
    };
    globalThis.setInterval = start as typeof setInterval;
    globalThis.clearInterval = ((interval: object) => void this.#callbacks.delete(interval)) as typeof clearInterval;
  }

  /** All that run have passed once. */
  pass(): void {
    for (const callback of this.#callbacks.values()) callback();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}
