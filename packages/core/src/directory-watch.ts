/** Notices that something has come into directories. */
import { type FSWatcher, watch } from 'node:fs';

/**
 * Watches directories as long as they are there. It may say "perhaps" too often and, where the system cannot watch, never: who uses it
 * looks for himself now and then.
 */
export class DirectoryWatch implements Disposable {
  readonly #isOfInterest: (name: string) => boolean;
  readonly #watchers = new Map<string, FSWatcher>();
  #change = Promise.withResolvers<void>();

  /** @param isOfInterest by the name of the file that was made, changed, renamed or removed */
  constructor(isOfInterest: (name: string) => boolean) {
    this.#isOfInterest = isOfInterest;
  }

  /** Watches these directories from now on, as far as it can. True when it can watch all of them. */
  watch(directories: readonly string[]): boolean {
    for (const [directory, watcher] of this.#watchers) if (!directories.includes(directory)) this.#forget(directory, watcher);
    for (const directory of directories) if (!this.#watchers.has(directory)) this.#begin(directory);
    return this.#watchers.size === directories.length;
  }

  /** Resolves as soon as something has happened since the last {@link reset}. */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  /** To be called before the directories are looked at: what happens from then on counts as new. */
  reset(): void {
    this.#change = Promise.withResolvers<void>();
  }

  [Symbol.dispose](): void {
    for (const [directory, watcher] of this.#watchers) this.#forget(directory, watcher);
  }

  #begin(directory: string): void {
    try {
      const watcher = watch(directory, (_, name) => {
        if (name === null || this.#isOfInterest(name)) this.#change.resolve();
      });
      watcher.on('error', () => this.#forget(directory, watcher));
      this.#watchers.set(directory, watcher);
    } catch {
      // it is not there (yet), or the system can watch no more
    }
  }

  #forget(directory: string, watcher: FSWatcher): void {
    watcher.close();
    this.#watchers.delete(directory);
  }
}
