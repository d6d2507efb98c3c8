/** Keeps something at work that may end at any time: it is begun again, ever more slowly while it brings nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../backoff.ts';

/** How to keep at work. */
export interface KeepAtWorkOptions {
  /** Ends it: nothing is begun any more. What works is to be ended by the same signal. */
  readonly stop: AbortSignal;
  /** Whether what has just ended had got on before. One that lived for a minute has. */
  readonly hasProgressed: () => Promise<boolean> | boolean;
  /** Told of each end that was not asked for, with what it ended by, and when it is begun again. */
  readonly onEnded: (error: unknown, nextStartAt: Date) => void;
}

/** Whoever lived so long has done well, in milliseconds. */
const goodLifeMs = 60_000;

/** Works until it is stopped. Never rejects; what the work throws behind the stop is nobody's business. */
export async function keepAtWork(work: () => Promise<void>, options: KeepAtWorkOptions): Promise<void> {
  const { stop, hasProgressed, onEnded } = options;
  for (let failures = 0; !stop.aborted; ) {
    const began = performance.now();
    const error = await work().then(
      () => new Error('it ended without a reason'),
      (reason: unknown) => reason,
    );
    if (stop.aborted) return;
    const didWell = performance.now() - began >= goodLifeMs || (await hasProgressed());
    failures = didWell ? 1 : failures + 1;
    const waitMs = backoffMs(failures, Math.random());
    onEnded(error, new Date(Date.now() + waitMs));
    await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
