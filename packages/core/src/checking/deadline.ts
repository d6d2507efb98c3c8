/** The time that the check of one server may take. */
import { CoreError } from '../errors.ts';
import type { ObserveOptions } from '../observing/observe-server.ts';

/** A server that has not answered by then does not, whatever time there is. */
const mostPatienceMs = 10_000;
/** So much of the time is for the servers to answer; the rest is for what comes of it. */
const shareOfServers = 0.8;

/** Runs from when it is made. */
export class Deadline implements Disposable {
  /** How long the servers may take to answer. */
  readonly patience: ObserveOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #expired = Promise.withResolvers<never>();

  /** @param limitMs 0 for no limit */
  constructor(limitMs: number) {
    const share = limitMs === 0 ? mostPatienceMs : Math.max(1, limitMs * shareOfServers);
    this.patience = { patienceMs: Math.min(mostPatienceMs, share) };
    this.#expired.promise.catch(() => undefined);
    if (limitMs > 0) this.#timer = setTimeout(() => this.#expire(limitMs), limitMs);
  }

  /** Whether the servers were given less time than they would have otherwise. */
  get isShort(): boolean {
    return this.patience.patienceMs < mostPatienceMs;
  }

  /** Waits for some work, which goes on if it must. @throws {CoreError} `ERR_NO_ANSWER_IN_TIME` when the time is over before it is done */
  async limit<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#expired.promise]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #expire(limitMs: number): void {
    this.#expired.reject(new CoreError('ERR_NO_ANSWER_IN_TIME', `no answer within ${limitMs / 1000} s`, { retry: 'retry' }));
  }
}
