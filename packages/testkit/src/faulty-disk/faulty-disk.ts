/**
 * A disk that does everything to its files that a disk may do and hopefully never does: a model, in memory, of a POSIX file
 * system with its cache, for tests of what is there after a crash.
 *
 * What programs see is in the cache. The power cut keeps what was synced, and of the rest whatever a random number says:
 * sectors in any order, halves of them, names without content, content without names. Calls end in any order, writes
 * stop short, and any call fails when a rule says so. All of it follows from one seed. Nothing in it knows walvault:
 * a mount has the form of node:fs/promises.
 */
import type { CachedFile } from './cached-file.ts';
import { CallQueue, type DiskCall, type DiskCallKind, type WaitingCall } from './call-queue.ts';
import { FileTable } from './file-table.ts';
import { type DiskMount, Mount } from './mount.ts';
import { Names } from './names.ts';
import type { Random } from './random.ts';
import { SystemError } from './system-error.ts';

/** What befalls a call: an errno that it fails with (having been done, in part, or not), or the end of everything. */
export type DiskFault = { readonly errno: string } | 'powerCut' | 'kill';

/** How the disk is to be. */
export interface FaultyDiskOptions {
  /** Where all chance comes from. */
  readonly random: Random;
  /** Absolute paths of the directories, none in another; they are there for good. */
  readonly directories: readonly string[];
  /** What the disk writes as a whole, mostly. 4096 bytes unless given. */
  readonly sectorBytes?: number | undefined;
  /** Asked at the end of each call. No faults unless given. */
  readonly faultAt?: ((call: DiskCall) => DiskFault | undefined) | undefined;
  /** How often a write stops short and the kernel writes back by itself, from 0 to 1 for each call. 0.1 unless given. */
  readonly restlessness?: number | undefined;
  /** How long a sync takes at the most, in turns of the event loop; every other call takes one or two. 3 unless given. */
  readonly syncTurns?: number | undefined;
  /** Told of everything that happens, for a trace. */
  readonly onEvent?: ((text: string) => void) | undefined;
}

/** The disk. Programs see it through a mount. */
export class FaultyDisk implements Disposable {
  /** Room for the content of files. May be changed at any time. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Whether every change is refused with EROFS. May be changed at any time. */
  isReadOnly = false;
  /** How often the kernel fails at writing back by itself, from 0 to 1 for each file; the next sync tells. May be changed at any time. */
  writeBackErrors = 0;
  readonly #options: FaultyDiskOptions;
  readonly #table: FileTable;
  readonly #names: Names<CachedFile>;
  readonly #queue: CallQueue;
  #mount: Mount | undefined;
  #calls = 0;

  constructor(options: FaultyDiskOptions) {
    this.#options = options;
    this.#names = new Names(options.directories);
    this.#table = new FileTable({ disk: this, names: this.#names, sectorBytes: options.sectorBytes ?? 4096 });
    const { random, syncTurns = 3 } = options;
    this.#queue = new CallQueue({ random, syncTurns, end: (call) => this.#end(call) });
  }

  /** Whether a program has it mounted. It is down after a fault that ended everything. */
  get isMounted(): boolean {
    return this.#mount !== undefined;
  }

  /** How many calls have ended. */
  get calls(): number {
    return this.#calls;
  }

  /** The disk as one program sees it, until the program or the machine dies. One at a time. */
  mount(): DiskMount {
    if (this.#mount !== undefined) throw new Error('the disk is mounted already');
    const { random, restlessness = 0.1 } = this.#options;
    this.#mount = new Mount({ table: this.#table, queue: this.#queue, random, restlessness });
    return this.#mount;
  }

  /** The files in a directory as programs see them now, by name; views, good until the next change. */
  files(directory: string): Map<string, Buffer> {
    const names = this.#names.in(directory).filter((path) => !this.#names.isDirectory(path));
    const paths = names.toSorted((a, b) => (a < b ? -1 : 1));
    return new Map(paths.map((path) => [path.slice(directory.length + 1), asBuffer(this.#table.get(path).content())]));
  }

  /** The machine stops in this instant. What is mounted is dead; mount it again to see what is left. */
  powerCut(): void {
    this.#stop('power cut');
    const { random } = this.#options;
    const likely = (): number => random.pick([0, 0.5, 1, random.next()]);
    if (random.chance(0.5)) this.#names.writeBack(random, likely());
    else this.#names.writeBackInOrder(random, likely());
    const probability = likely();
    for (const file of this.#names.files()) file.cutPower(random, probability);
    this.#names.cutPower();
  }

  /** The program is killed, and the kernel lives: what it has is still to be seen, or given up where it was on the medium. */
  kill(): void {
    this.#stop('kill');
    for (const file of this.#names.files()) if (!file.isDirty && this.#options.random.chance(0.3)) file.forget();
  }

  /** Gives the memory to other disks. The disk, and what {@link files} gave, must not be used any more. */
  [Symbol.dispose](): void {
    this.#table.discard();
  }

  /** What was under way has happened or not; nobody learns which. */
  #stop(how: string): void {
    this.#options.onEvent?.(how);
    this.#mount?.die();
    this.#mount = undefined;
    for (const call of this.#queue.takeAll()) {
      this.#performUnseen(call, 0.5);
      call.reject(new SystemError('ESHUTDOWN', call.kind, call.path));
    }
    this.#table.closeAll();
  }

  /** Does it with this probability, and else what is left of it when it fails. */
  #performUnseen(call: WaitingCall, probability: number): void {
    try {
      if (this.#options.random.chance(probability)) call.perform();
      else call.fail();
    } catch {
      // nobody asks why it could not be done
    }
  }

  #end(call: WaitingCall): void {
    const { random, restlessness = 0.1 } = this.#options;
    this.#calls += 1;
    const fault = this.#options.faultAt?.({ kind: call.kind, path: call.path, number: this.#calls });
    if (fault === undefined) this.#perform(call);
    else if (typeof fault === 'object') this.#fail(call, fault.errno);
    else {
      this.#queue.add(call); // under way, as the others are
      if (fault === 'kill') this.kill();
      else this.powerCut();
    }
    if (this.isMounted && random.chance(restlessness)) this.#writeBack();
  }

  #perform(call: WaitingCall): void {
    try {
      const value = call.perform();
      this.#tell(call, 'done');
      call.resolve(value);
    } catch (error) {
      this.#tell(call, String(error));
      call.reject(error as Error);
    }
  }

  #fail(call: WaitingCall, errno: string): void {
    this.#tell(call, errno);
    this.#performUnseen(call, 0);
    call.reject(new SystemError(errno, call.kind, call.path));
  }

  #writeBack(): void {
    const { random } = this.#options;
    this.#names.writeBack(random, random.next());
    for (const file of this.#names.files()) {
      if (file.isDirty && random.chance(this.writeBackErrors)) file.failWriteBack(random);
      else if (random.chance(0.5)) file.writeBack(random, random.next());
      if (random.chance(0.1)) file.dropPages();
    }
  }

  #tell(call: { readonly kind: DiskCallKind; readonly path: string }, outcome: string): void {
    this.#options.onEvent?.(`${this.#calls} ${call.kind} ${call.path}: ${outcome}`);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
