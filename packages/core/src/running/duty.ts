/** What one of the things that `run` does for a server is about right now, as it is published and logged. */
import type { ReportedError } from '../receiver-state.ts';
import { reportError } from '../state-publisher.ts';

/**
 * - `off`: the configuration does not want it.
 * - `idle`: there is nothing to do.
 * - `working`: it is at it; of the receiver: WAL flows, or would if there were some.
 * - `waiting`: something stands in the way, and it tries again by itself.
 * - `restarting`: it has ended, and is begun anew at `nextStartAt`.
 */
export type DutyPhase = 'off' | 'idle' | 'working' | 'waiting' | 'restarting';

/** A duty as `run.json` has it. Times are ISO 8601 in UTC. */
export interface ReportedDuty {
  readonly phase: DutyPhase;
  readonly since: string;
  /** How often it has ended without having been told to, since `run` began. */
  readonly restarts: number;
  /** The last trouble, also when it is over. */
  readonly lastError: ReportedError | null;
  readonly nextStartAt: string | null;
}

/** One duty. */
export class Duty {
  #state: ReportedDuty;

  constructor(phase: DutyPhase) {
    this.#state = { phase, since: new Date().toISOString(), restarts: 0, lastError: null, nextStartAt: null };
  }

  get state(): ReportedDuty {
    return this.#state;
  }

  enter(phase: DutyPhase): void {
    if (phase !== this.#state.phase) this.#state = { ...this.#state, phase, since: new Date().toISOString(), nextStartAt: null };
  }

  /** Trouble that it waits out. True when it is news, and worth a line in the log. */
  waitsFor(trouble: ReportedError): boolean {
    this.enter('waiting');
    return this.#note(trouble);
  }

  /** It has ended. True when the reason is news. */
  ended(error: unknown, nextStartAt: Date): boolean {
    this.enter('restarting');
    this.#state = { ...this.#state, restarts: this.#state.restarts + 1, nextStartAt: nextStartAt.toISOString() };
    return this.#note(reportError(error));
  }

  #note(error: ReportedError): boolean {
    const { lastError } = this.#state;
    this.#state = { ...this.#state, lastError: error };
    return lastError?.code !== error.code || lastError.message !== error.message;
  }
}
