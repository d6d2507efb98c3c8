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
  | 'link'
  | 'unlink'
  | 'stat'
  | 'lstat'
  | 'utimes'
  | 'mkdir'
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

/** How a {@link CallQueue} is to be. */
export interface CallQueueOptions {
  readonly random: Random;
  /** How many turns a sync takes at the most, before it has the chance of every other call to end. */
  readonly syncTurns: number;
  /** Ends a call. */
  readonly end: (call: WaitingCall) => void;
}

/** Ends calls at random. */
export class CallQueue {
  readonly #options: CallQueueOptions;
  #waiting: { readonly call: WaitingCall; readonly fromTurn: number }[] = [];
  #turns = 0;
  #isTurnDue = false;

  constructor(options: CallQueueOptions) {
    this.#options = options;
  }

  add(call: WaitingCall): void {
    const { random, syncTurns } = this.#options;
    const delay = call.kind.endsWith('sync') ? random.below(syncTurns + 1) : 0;
    this.#waiting.push({ call, fromTurn: this.#turns + delay });
    this.#scheduleTurn();
  }

  /** Takes all calls that wait, in any order. */
  takeAll(): WaitingCall[] {
    const taken: WaitingCall[] = [];
    for (let call = this.#take(Number.POSITIVE_INFINITY); call !== undefined; call = this.#take(Number.POSITIVE_INFINITY))
      taken.push(call);
    return taken;
  }

  #scheduleTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    const { random, end } = this.#options;
    this.#isTurnDue = false;
    this.#turns += 1;
    while (random.chance(0.7)) {
      const call = this.#take(this.#turns);
      if (call === undefined) break;
      end(call);
    }
    if (this.#waiting.length > 0) this.#scheduleTurn();
  }

  /** One of those that may end by now. */
  #take(turn: number): WaitingCall | undefined {
    const ready = this.#waiting.filter(({ fromTurn }) => fromTurn <= turn);
    const taken = this.#options.random.pick(ready);
    if (taken !== undefined) this.#waiting.splice(this.#waiting.indexOf(taken), 1);
    return taken?.call;
  }
}
