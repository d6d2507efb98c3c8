/** Wrong secrets by address, so that guessing is slow. */
import { RequestProblem } from '../api/problem-answers.ts';

/** So many wrong secrets from one address in a minute. */
const mostAttempts = 10;
const attemptsMs = 60_000;
/** So many addresses are remembered. */
const mostAddresses = 10_000;

/** See above. */
export class Attempts {
  readonly #byAddress = new Map<string, { count: number; readonly sinceMs: number }>();

  /** Whether an address may try again. */
  allows(address: string): boolean {
    const attempts = this.#byAddress.get(address);
    if (attempts === undefined || attempts.count < mostAttempts) return true;
    if (!isOver(attempts.sinceMs)) return false;
    this.#byAddress.delete(address);
    return true;
  }

  /** @throws {RequestProblem} 429 when there were too many */
  require(address: string): void {
    if (!this.allows(address)) throw new RequestProblem(429, 'too many wrong tokens or passwords', { hint: 'Wait a minute.' });
  }

  count(address: string): void {
    const attempts = this.#byAddress.get(address);
    if (attempts !== undefined && !isOver(attempts.sinceMs)) {
      attempts.count += 1;
      return;
    }
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { count: 1, sinceMs: performance.now() });
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > mostAddresses && oldest !== undefined) this.#byAddress.delete(oldest);
  }
}

function isOver(sinceMs: number): boolean {
  return performance.now() - sinceMs > attemptsMs;
}
