/** What one step of an examination found: good or bad, why, and what to do. */

/**
 * - `ok`: nothing to do.
 * - `warning`: works, but not as well or not as safely as it could.
 * - `problem`: WAL is not received or archived, or will not be.
 * - `skipped`: could not be looked at, because of what an earlier step has found, or need not be.
 */
export type FindingStatus = 'ok' | 'warning' | 'problem' | 'skipped';

/** What to do about a finding, as exactly as it can be said. What is in the lists is complete and can be copied as it is. */
export interface Remedy {
  /** In a full sentence. */
  readonly words: string;
  /** Statements for a superuser of the server, in this order. */
  readonly sql?: readonly string[] | undefined;
  /** Lines for pg_hba.conf of the server, above those that match the same and refuse. */
  readonly hba?: readonly string[] | undefined;
  /** Commands for a shell on this machine, in this order. */
  readonly commands?: readonly string[] | undefined;
  /** Lines for the server's section of the configuration. */
  readonly configuration?: readonly string[] | undefined;
}

/** What one step found. */
export interface Finding {
  /** Name of the step, the same in every version: `authentication`, `slot`, ... */
  readonly step: string;
  /** What of several things it is about: a connection option, a directory, a lock. */
  readonly about?: string | undefined;
  readonly status: FindingStatus;
  /** What is there, in PostgreSQL's style. No password in it. */
  readonly what: string;
  /** What that means or comes from. */
  readonly why?: string | undefined;
  readonly remedy?: Remedy | undefined;
}

/** The findings of one step, made by its name. */
export class Step {
  readonly name: string;
  readonly #about: string | undefined;

  /** @param about see {@link Finding} */
  constructor(name: string, about?: string) {
    this.name = name;
    this.#about = about;
  }

  ok(what: string, why?: string): Finding {
    return this.#finding('ok', what, why);
  }

  warning(what: string, why?: string, remedy?: Remedy): Finding {
    return this.#finding('warning', what, why, remedy);
  }

  problem(what: string, why?: string, remedy?: Remedy): Finding {
    return this.#finding('problem', what, why, remedy);
  }

  /** @param because what stood in the way */
  skipped(because: string): Finding {
    return this.#finding('skipped', because);
  }

  #finding(status: FindingStatus, what: string, why?: string, remedy?: Remedy): Finding {
    return {
      step: this.name,
      ...(this.#about === undefined ? {} : { about: this.#about }),
      status,
      what,
      ...(why === undefined ? {} : { why }),
      ...(remedy === undefined ? {} : { remedy }),
    };
  }
}

/** Why a step about the server has nothing to look at. */
export const serverNotAsked = 'the server could not be asked';
