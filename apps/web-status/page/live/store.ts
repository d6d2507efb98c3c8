/** A value that components listen to. */
import { useEffect, useState } from 'preact/hooks';

/** Holds one frozen value after another. */
export class Store<T> {
  readonly #listeners = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of this.#listeners) listener();
  }

  /** @returns what ends the listening */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** A part of the value; the component is drawn anew when that part changes. `select` must give equal results for equal values. */
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S {
  const selected = select(store.value);
  const [, draw] = useState(0);
  useEffect(() => {
    let last = select(store.value);
    // What has changed between drawing and listening would be missed otherwise.
    if (!Object.is(last, selected)) draw((count) => count + 1);
    return store.listen(() => {
      const next = select(store.value);
      if (Object.is(next, last)) return;
      last = next;
      draw((count) => count + 1);
    });
  }, [store, selected]);
  return selected;
}
