/**
 * How an attempt to receive is left when it should end. Before WAL flows there is nothing to finish, so the connection is broken at
 * once; a stream is ended in good order by the receiver, but a server or a network that does not answer cannot keep us for long.
 */

/** Time for a stream to end in good order, in milliseconds: with what comes after, the process is gone within five seconds. */
const patienceMs = 3500;

/** Turns "end" into "leave": at once, or after some time for good manners. */
export class Departure implements Disposable {
  readonly #end: AbortSignal;
  readonly #leave = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isStreaming = false;

  /** @param end aborted when the attempt should end */
  constructor(end: AbortSignal) {
    this.#end = end;
    end.addEventListener('abort', this.#onEnd, { once: true });
    if (end.aborted) this.#onEnd();
  }

  /** Aborted, for the reason of the end, when nothing is waited for any more: the signal of the connection. */
  get signal(): AbortSignal {
    return this.#leave.signal;
  }

  /** From now on there is something to be ended in good order. */
  streams(): void {
    this.#isStreaming = true;
  }

  [Symbol.dispose](): void {
    this.#end.removeEventListener('abort', this.#onEnd);
    clearTimeout(this.#timer);
  }

  readonly #onEnd = (): void => {
    const leave = (): void => this.#leave.abort(this.#end.reason);
    if (this.#isStreaming) this.#timer = setTimeout(leave, patienceMs);
    else leave();
  };
}
