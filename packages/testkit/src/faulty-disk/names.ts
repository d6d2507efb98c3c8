/**
 * The names of the files: what programs see (the cache) and what is on the medium.
 *
 * Each creation, renaming and removal waits in a journal until its directory is synced. At a power cut some of those
 * that wait have happened and some have not, in any order, but for what hangs on one another: changes of the same name
 * stay in order, a renaming within a directory is one step, and one between two directories adds before it removes.
 */
import type { Random } from './random.ts';

/** One change of names that is done as a whole or not at all. */
interface Change<File> {
  /** Path to the file it leads to from then on; undefined when to none. */
  readonly entries: readonly (readonly [path: string, file: File | undefined])[];
  /** What must have happened before. */
  readonly after: readonly Change<File>[];
}

/** The sync of a directory that is under way. */
export type DirectorySync<File> = ReadonlySet<Change<File>>;

/** The names on one disk. */
export class Names<File> {
  readonly #directories: ReadonlySet<string>;
  readonly #cache = new Map<string, File>();
  readonly #medium = new Map<string, File>();
  #journal: Change<File>[] = [];

  /** @param directories absolute paths; they are there from the start, and are not in one another */
  constructor(directories: readonly string[]) {
    this.#directories = new Set(directories);
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  get(path: string): File | undefined {
    return this.#cache.get(path);
  }

  /** The paths in a directory, as programs see it. */
  in(directory: string): string[] {
    return [...this.#cache.keys()].filter((path) => parentOf(path) === directory);
  }

  /** Every file that has a name or may have one after a power cut. */
  files(): Set<File> {
    const waiting = this.#journal.flatMap(({ entries }) => entries.map(([, file]) => file)).filter((file) => file !== undefined);
    return new Set([...this.#cache.values(), ...this.#medium.values(), ...waiting]);
  }

  create(path: string, file: File): void {
    this.#change([[path, file]]);
  }

  remove(path: string): void {
    this.#change([[path, undefined]]);
  }

  rename(from: string, to: string): void {
    const file = this.#cache.get(from);
    if (from === to || file === undefined) return;
    if (parentOf(from) === parentOf(to)) {
      this.#change([
        [from, undefined],
        [to, file],
      ]);
    } else this.#change([[from, undefined]], [this.#change([[to, file]])]);
  }

  /** Takes note of what a sync of a directory that begins now has to make durable. */
  beginSync(directory: string): DirectorySync<File> {
    const covered = new Set<Change<File>>();
    const cover = (change: Change<File>): void => {
      if (covered.has(change)) return;
      covered.add(change);
      change.after.forEach(cover);
    };
    this.#journal.filter(({ entries }) => entries.some(([path]) => parentOf(path) === directory)).forEach(cover);
    return covered;
  }

  /** The sync is done: what it covers is on the medium. */
  endSync(sync: DirectorySync<File>): void {
    this.#commit((change) => sync.has(change));
  }

  /** The kernel commits changes to the medium, each with this probability, unless what must come first did not. */
  writeBack(random: Random, probability: number): void {
    this.#commit(() => random.chance(probability));
  }

  /** The same in order, as a journalling file system does: up to some change, and nothing after that. */
  writeBackInOrder(random: Random, probability: number): void {
    let goesOn = true;
    this.#commit(() => (goesOn &&= random.chance(probability)));
  }

  /** The power goes: what waits is gone. */
  cutPower(): void {
    this.#journal = [];
    this.#cache.clear();
    for (const [path, file] of this.#medium) this.#cache.set(path, file);
  }

  #change(entries: Change<File>['entries'], after: readonly Change<File>[] = []): Change<File> {
    const paths = new Set(entries.map(([path]) => path));
    const earlier = this.#journal.filter((change) => change.entries.some(([path]) => paths.has(path)));
    const change = { entries, after: [...earlier, ...after] };
    this.#journal.push(change);
    apply(entries, this.#cache);
    return change;
  }

  #commit(choose: (change: Change<File>) => boolean): void {
    const waiting = new Set<Change<File>>(this.#journal);
    for (const change of this.#journal) {
      if (change.after.some((first) => waiting.has(first)) || !choose(change)) continue;
      waiting.delete(change);
      apply(change.entries, this.#medium);
    }
    this.#journal = [...waiting];
  }
}

function apply<File>(entries: Change<File>['entries'], names: Map<string, File>): void {
  for (const [path, file] of entries) {
    if (file === undefined) names.delete(path);
    else names.set(path, file);
  }
}

/** The directory that a path is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
