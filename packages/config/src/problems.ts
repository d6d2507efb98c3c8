/** Collects what is wrong while a configuration is read, so that everything is said at once and nothing twice. */
import { ConfigError, type ConfigProblem, formatProblem } from './errors.ts';

/** Where a problem stands and what it is; all but the message may be left out, except the file. */
export interface ProblemReport {
  readonly file: string;
  readonly line?: number | undefined;
  readonly section?: string | undefined;
  readonly option?: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The problems and warnings of one load. */
export class Problems {
  readonly #errors = new Map<string, ConfigProblem>();
  readonly #warnings = new Map<string, ConfigProblem>();
  /** Files in the order in which they were read, which is the order in which problems are listed. */
  readonly #files: string[] = [];

  /** Notes that a file is read now. */
  reading(file: string): void {
    this.#files.push(file);
  }

  /** The files that were read, in that order. */
  get files(): readonly string[] {
    return [...this.#files];
  }

  /** Something that makes the configuration unusable. */
  error(report: ProblemReport): void {
    add(this.#errors, report);
  }

  /** Something that works but is hardly meant so. */
  warning(report: ProblemReport): void {
    add(this.#warnings, report);
  }

  /** The warnings, ordered by file and line. */
  get warnings(): readonly ConfigProblem[] {
    return this.#ordered(this.#warnings);
  }

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` with all problems, if there is one. */
  throwIfAny(): void {
    const problems = this.#ordered(this.#errors);
    if (problems.length === 0) return;
    const hints = [...new Set(problems.flatMap((problem) => problem.hint ?? []))];
    throw new ConfigError('ERR_CONFIG_INVALID', problems.map(formatProblem).join('\n'), {
      problems,
      warnings: this.warnings,
      hint: hints.length === 0 ? undefined : hints.join(' '),
    });
  }

  #ordered(problems: ReadonlyMap<string, ConfigProblem>): readonly ConfigProblem[] {
    const rank = (problem: ConfigProblem): number => this.#files.indexOf(problem.file);
    return [...problems.values()].toSorted((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
  }
}

/** A value of [barman] that several servers inherit is wrong once, not once for each server. */
function add(problems: Map<string, ConfigProblem>, report: ProblemReport): void {
  const { file, line, section, option, message, hint } = report;
  const key = JSON.stringify([file, line, section, option, message]);
  if (!problems.has(key)) problems.set(key, { file, line, section, option, message, hint });
}
