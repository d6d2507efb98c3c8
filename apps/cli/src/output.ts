/**
 * What the program says: results on stdout, messages on stderr, as Barman's console and JSON writers do.
 *
 * Console: `info` lines go to stdout as they are; warnings and errors to stderr behind `WARNING: ` and `ERROR: `, with a
 * `HINT: ` line when there is something to do. JSON: one object at the end, with the lines in `_INFO`, `_WARNING`, `_ERROR`
 * and results under the names of the servers.
 */
import { WalvaultError } from '@walvault/wal';

/** How to write. */
export interface OutputOptions {
  readonly format: 'console' | 'json';
  /** Leave out `info` lines. */
  readonly quiet: boolean;
}

type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The program's mouth. One for the whole run. */
export class Output {
  readonly #options: OutputOptions;
  readonly #json: Record<string, JsonValue> = {};

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  get isJson(): boolean {
    return this.#options.format === 'json';
  }

  /** A line of the result. */
  info(line: string): void {
    if (this.isJson) this.#collect('_INFO', line);
    else if (!this.#options.quiet) process.stdout.write(`${line}\n`);
  }

  warning(line: string): void {
    if (this.isJson) this.#collect('_WARNING', line);
    else process.stderr.write(`WARNING: ${line}\n`);
  }

  /** Says what went wrong and what to do; see {@link describeError} for the words. */
  error(error: unknown): void {
    const { message, hint } = describeError(error);
    this.failure(message, hint);
  }

  /** The same with words of one's own. */
  failure(message: string, hint?: string): void {
    if (this.isJson) this.#collect('_ERROR', message);
    else process.stderr.write(`ERROR: ${message}\n`);
    if (hint !== undefined) this.hint(hint);
  }

  /** What to do about the message before. */
  hint(line: string): void {
    if (this.isJson) this.#collect('_HINT', line);
    else process.stderr.write(`HINT: ${line}\n`);
  }

  /** A result of its own shape under a key of the JSON object; the console has its own lines for it. */
  result(key: string, value: JsonValue): void {
    if (this.isJson) this.#json[key] = value;
  }

  /** Writes the JSON object, if that is the format. Call it once, at the end. */
  finish(): void {
    if (this.isJson) process.stdout.write(`${JSON.stringify(this.#json)}\n`);
  }

  #collect(key: string, line: string): void {
    const lines = this.#json[key];
    this.#json[key] = [...(Array.isArray(lines) ? lines : []), line];
  }
}

/** The words for an error: one of ours speaks for itself, a system error is named, anything else is shown with its stack. */
export function describeError(error: unknown): { readonly message: string; readonly hint: string | undefined } {
  if (WalvaultError.is(error)) return { message: error.message, hint: error.hint };
  if (error instanceof Error && 'code' in error) return { message: error.message, hint: undefined };
  if (error instanceof Error)
    return {
      message: `unexpected: ${error.stack ?? error.message}`,
      hint: 'This is a defect in walvault. Please report it with the lines above.',
    };
  return { message: String(error), hint: undefined };
}
