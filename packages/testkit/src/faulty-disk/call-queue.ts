/**
 * The system calls that are under way. They end in any order, some at a time, when everything else has had its turn:
 * time passes in turns of the event loop and not by a clock, so a schedule is quick and the same each time.
 */
import type { Random } from './random.ts';

/** What a call is, as rules for faults see it. */
export interface DiskCall {
  readonly kind: DiskCallKind;
  /** The file or directory; of a renaming the old name. */
  readonly path: string;
  /** Its number on this disk, from 1, in the order in which calls end. */
  readonly number: number;
}

/** The system calls of the model. A directory is synced by `sync`, too. */
export type DiskCallKind =
  | 'open'
  | 'rename'
  | 'unlink'
  | 'stat'
  | 'readdir'
  | 'writev'
  | 'read'
  | 'fstat'
  | 'truncate'
  | 'datasync'
  | 'sync'
  | 'close';

/** A call that waits for its end. */
export interface WaitingCall {
  readonly kind: DiskCallKind;
  readonly path: string;
  /** Does what was asked for; throws the system's error when it cannot. */
  readonly perform: () => unknown;
  /** What is left of it when the disk fails it. */
  readonly fail: () => void;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Ends calls at random, each by `end`. */
export class CallQueue {
  readonly #random: Random;
  readonly #end: (call: WaitingCall) => void;
  #waiting: WaitingCall[] = [];
  #isTurnDue = false;

  constructor(random: Random, end: (call: WaitingCall) => void) {
    this.#random = random;
    this.#end = end;
  }

  add(call: WaitingCall): void {
    this.#waiting.push(call);
    this.#scheduleTurn();
  }

  /** Takes all calls that wait, in any order. */
  takeAll(): WaitingCall[] {
    const taken: WaitingCall[] = [];
    while (this.#waiting.length > 0) taken.push(this.#take());
    return taken;
  }

  #scheduleTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnDue = false;
    while (this.#waiting.length > 0 && this.#random.chance(0.7)) this.#end(this.#take());
    if (this.#waiting.length > 0) this.#scheduleTurn();
  }

  #take(): WaitingCall {
    return this.#waiting.splice(this.#random.below(this.#waiting.length), 1)[0] as WaitingCall;
  }
}
