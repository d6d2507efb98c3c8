/**
 * What can be wrong with a configuration. All that is wrong is said at once, each with its file and line, so that
 * one look and one edit are enough.
 */
import { WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type ConfigErrorCode =
  /**
   * No configuration file is at any of the places where one is looked for; the message lists them.
   *
   * @why None was written yet, it lies elsewhere, or walvault runs as a user with another home directory.
   * @do Name it: `walvault -c FILE list-servers`, or by the variable WALVAULT_CONFIG_FILE; or write `/etc/walvault.conf`. A
   * configuration of Barman is read as it is.
   * @retry fatal
   */
  | 'ERR_CONFIG_NOT_FOUND'
  /**
   * A configuration file or directory is there but cannot be read, or is not text.
   *
   * @why It belongs to another user, or its name leads to something else.
   * @do Check owner and mode with `ls -l FILE`, and run walvault as the user who may read it (often `barman` or `postgres`).
   * @retry fatal
   */
  | 'ERR_CONFIG_UNREADABLE'
  /**
   * The configuration says something that cannot be. Each problem is listed with file, line, section and option.
   *
   * @why A value that is not allowed, an option that is missing or given twice, a line that is none.
   * @do Correct all that is listed, and look again: `walvault config check`. What each option takes stands in
   * docs/configuration.md. A receiver that runs keeps its old configuration until then.
   * @retry fatal
   */
  | 'ERR_CONFIG_INVALID';

/** One thing that is wrong, or worth a look, and where it stands. */
export interface ConfigProblem {
  /** Absolute path of the file. */
  readonly file: string;
  /** Line in the file, from 1; undefined when the trouble is that something is not there. */
  readonly line: number | undefined;
  /** Section that it concerns: `barman`, or the name of a server; undefined for a line outside of all sections. */
  readonly section: string | undefined;
  /** Option that it concerns, in lower case. */
  readonly option: string | undefined;
  /** What is wrong, in PostgreSQL's style; no password in it. */
  readonly message: string;
  /** What to do, as a full sentence, where the message does not say it. */
  readonly hint: string | undefined;
}

/** What a {@link ConfigError} can be given besides its message. */
export interface ConfigErrorOptions extends WalvaultErrorOptions {
  readonly problems?: readonly ConfigProblem[] | undefined;
  readonly warnings?: readonly ConfigProblem[] | undefined;
}

/** A configuration that cannot be used. Its message has one line for each problem. Trying again does not help. */
export class ConfigError extends WalvaultError {
  readonly code: ConfigErrorCode;
  readonly retry = 'fatal';
  /** All that is wrong, in the order of the files and lines; empty when there was no file to read. */
  readonly problems: readonly ConfigProblem[];
  /** What is hardly meant so; a misspelt name here may be why something else is missing. */
  readonly warnings: readonly ConfigProblem[];

  constructor(code: ConfigErrorCode, message: string, options: ConfigErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.problems = options.problems ?? [];
    this.warnings = options.warnings ?? [];
  }
}

/** A problem as one line: `FILE:LINE: [section] option: what is wrong`, leaving out what is not known. */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`;
  const section = problem.section === undefined ? '' : ` [${problem.section}]`;
  const option = problem.option === undefined ? '' : ` ${problem.option}`;
  return `${place}:${section}${option}${section + option === '' ? '' : ':'} ${problem.message}`;
}
