/**
 * The names of the files: what programs see (the cache) and what is on the medium.
 *
 * Each creation, renaming and removal waits in a journal until its directory is synced. At a power cut some of those
 * that wait have happened and some have not, in any order, but for what hangs on one another: changes of the same name
 * stay in order, a renaming within a directory is one step, and one between two directories adds before it removes. What is in
 * a directory whose own name did not reach the medium is gone with it.
 */
import type { Random } from './random.ts';

/** A directory that was made; what is in it stands under its own names. */
const madeDirectory = Symbol('directory');

type Entry<File> = File | typeof madeDirectory;

/** One change of names that is done as a whole or not at all. */
interface Change<File> {
  /** Path to the file it leads to from then on, or that it is a directory's; undefined when it is nothing's. */
  readonly entries: readonly (readonly [path: string, file: Entry<File> | undefined])[];
  /** What must have happened before. */
  readonly after: readonly Change<File>[];
}

/** The sync of a directory that is under way. */
export type DirectorySync<File> = ReadonlySet<Change<File>>;

/** The names on one disk. */
export class Names<File extends object> {
  readonly #directories: ReadonlySet<string>;
  readonly #cache = new Map<string, Entry<File>>();
  readonly #medium = new Map<string, Entry<File>>();
  #journal: Change<File>[] = [];

  /** @param directories absolute paths; they are there from the start and for good, and are not in one another */
  constructor(directories: readonly string[]) {
    this.#directories = new Set(directories);
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(path) || this.#cache.get(path) === madeDirectory;
  }

  get(path: string): File | undefined {
    const entry = this.#cache.get(path);
    return entry === madeDirectory ? undefined : entry;
  }

  /** How many names programs see of a file. */
  count(file: File): number {
    return [...this.#cache.values()].filter((other) => other === file).length;
  }

  /** The paths in a directory, as programs see it. */
  in(directory: string): string[] {
    return [...this.#cache.keys()].filter((path) => parentOf(path) === directory);
  }

  /** Every file that has a name or may have one after a power cut. */
  files(): Set<File> {
    const waiting = this.#journal.flatMap(({ entries }) => entries.map(([, file]) => file));
    const all = [...this.#cache.values(), ...this.#medium.values(), ...waiting];
    return new Set(all.filter((entry) => entry !== undefined && entry !== madeDirectory));
  }

  /** Gives a file a name, perhaps one more. */
  create(path: string, file: File): void {
    this.#change([[path, file]]);
  }

  createDirectory(path: string): void {
    this.#change([[path, madeDirectory]]);
  }

  remove(path: string): void {
    this.#change([[path, undefined]]);
  }

  rename(from: string, to: string): void {
    const file = this.get(from);
    if (file === undefined || file === this.#cache.get(to)) return; // as rename(2) has it, also for two names of one file
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
    for (const [path, file] of this.#medium) if (this.#isReachable(path)) this.#cache.set(path, file);
    this.#medium.clear();
    for (const [path, file] of this.#cache) this.#medium.set(path, file);
  }

  /** Whether the directories that a name is in, on the medium, have their names there. */
  #isReachable(path: string): boolean {
    const parent = parentOf(path);
    return this.#directories.has(parent) || (this.#medium.get(parent) === madeDirectory && this.#isReachable(parent));
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

function apply<File>(entries: Change<File>['entries'], names: Map<string, Entry<File>>): void {
  for (const [path, file] of entries) {
    if (file === undefined) names.delete(path);
    else names.set(path, file);
  }
}

/** The directory that a path is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
