/**
 * What the program says: results on stdout, messages on stderr, as Barman's console and JSON writers do.
 *
 * Console: `info` lines go to stdout as they are; warnings and errors to stderr behind `WARNING: ` and `ERROR: `, with a
 * `HINT: ` line when there is something to do, and, for who sits at a terminal or asks for more by `--debug`, one that names the page
 * of the manual. JSON: one object at the end, with the lines in `_INFO`, `_WARNING`, `_ERROR`, the codes of the errors in
 * `_ERROR_CODE`, and results under the names of the servers.
 */
import { WalvaultError } from '@walvault/wal';
import { type ColourChoice, coloured, type Mood } from './colour.ts';

/** How to write. */
export interface OutputOptions {
  readonly format: 'console' | 'json';
  /** Leave out `info` lines. */
  readonly quiet: boolean;
  /** `auto` unless given. */
  readonly colour?: ColourChoice | undefined;
  /** Name the page of the manual behind each error, terminal or not. */
  readonly debug?: boolean | undefined;
}

/** What a result is made of. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Something drawn on the terminal that has to go before a line is written there. */
export interface Drawing {
  clear(): void;
}

/** The program's mouth. One for the whole run. */
export class Output {
  readonly #options: OutputOptions;
  readonly #json: Record<string, JsonValue> = {};
  /** The lines in it: there may be a hundred thousand. */
  readonly #lines = new Map<string, (string | null)[]>();
  #drawing: Drawing | undefined;
  #lastFailure: string | undefined;
  #hasContent = false;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** What was said last about a failure. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  get isJson(): boolean {
    return this.#options.format === 'json';
  }

  /** A line of the result. */
  info(line: string): void {
    if (this.isJson) this.#collect('_INFO', line);
    else if (!this.#options.quiet) this.#write(process.stdout, line);
  }

  warning(line: string): void {
    if (this.isJson) this.#collect('_WARNING', line);
    else this.#write(process.stderr, `${this.#onStderr('WARNING', 'careful')}: ${line}`);
  }

  /** Says what went wrong and what to do; see {@link describeError} for the words. */
  error(error: unknown): void {
    const { message, hint, code, page } = describeError(error);
    this.failure(message, hint, code, page);
  }

  /**
   * The same with words of one's own.
   * @param code of the error, `ERR_...`, if it has one
   * @param page of the manual
   */
  failure(message: string, hint?: string, code?: string, page: string | undefined = code): void {
    this.#lastFailure = message;
    if (this.isJson) {
      this.#collect('_ERROR', message);
      this.#collect('_ERROR_CODE', code ?? null);
    } else this.#write(process.stderr, `${this.#onStderr('ERROR', 'bad')}: ${message}`);
    if (hint !== undefined) this.hint(hint);
    const wantsMore = process.stderr.isTTY || this.#options.debug === true;
    if (page !== undefined && wantsMore && !this.isJson) this.hint(`walvault explain ${page}`);
  }

  /** Keeps a failure in mind that was said elsewhere, for {@link lastFailure}. */
  remember(message: string): void {
    this.#lastFailure = message;
  }

  /** What to do about the message before. */
  hint(line: string): void {
    if (this.isJson) this.#collect('_HINT', line);
    else this.#write(process.stderr, `HINT: ${line}`);
  }

  /** A word of an `info` line that says how something stands, such as `OK` or `FAILED`, in its colour. */
  word(word: string, mood: Mood): string {
    return this.isJson ? word : coloured(word, mood, this.#options.colour ?? 'auto', process.stdout);
  }

  /** A result of its own shape under a key of the JSON object; the console has its own lines for it. */
  result(key: string, value: JsonValue): void {
    if (this.isJson) this.#json[key] = value;
  }

  /** A result that is one JSON object in either format, for whoever reads it; also with `quiet`. */
  document(value: { readonly [key: string]: JsonValue }): void {
    if (this.isJson) Object.assign(this.#json, value);
    else this.#write(process.stdout, JSON.stringify(value, undefined, 4));
  }

  /** From now on this is cleared before a line is written; undefined when there is nothing any more. */
  cover(drawing: Drawing | undefined): void {
    this.#drawing = drawing;
  }

  /** Clears it, for somebody else who is to write there. */
  clear(): void {
    this.#drawing?.clear();
  }

  /** Writes the JSON object, if that is the format. Call it once, at the end. */
  finish(): void {
    if (!this.isJson) return;
    const stream = this.#hasContent ? process.stderr : process.stdout;
    if (!this.#hasContent || Object.keys(this.#json).length > 0) stream.write(`${JSON.stringify(this.#json)}\n`);
  }

  /** To be called before something goes to stdout that is no result of ours, such as a file: nothing of ours must be mixed with it. */
  beginContent(): void {
    this.#hasContent = true;
  }

  #onStderr(word: string, mood: Mood): string {
    return coloured(word, mood, this.#options.colour ?? 'auto', process.stderr);
  }

  #write(stream: NodeJS.WriteStream, line: string): void {
    this.clear();
    stream.write(`${line}\n`);
  }

  #collect(key: string, line: string | null): void {
    const lines = this.#lines.get(key);
    if (lines !== undefined) return void lines.push(line);
    const first = [line];
    this.#lines.set(key, first);
    this.#json[key] = first;
  }
}

/** The words for an error, and its code if it is one of ours. */
export interface ErrorWords {
  readonly message: string;
  readonly hint: string | undefined;
  readonly code: string | undefined;
  /** Its page of the manual: for what a server reports the SQLSTATE. */
  readonly page?: string | undefined;
}

/** One of ours speaks for itself, a system error is named, anything else is shown with its stack. */
export function describeError(error: unknown): ErrorWords {
  if (WalvaultError.is(error)) {
    const { message, hint, code } = error;
    return { message, hint, code, page: 'sqlState' in error && typeof error.sqlState === 'string' ? error.sqlState : code };
  }
  if (error instanceof Error && 'code' in error) return { message: error.message, hint: undefined, code: undefined };
  if (error instanceof Error)
    return {
      message: `unexpected: ${error.stack ?? error.message}`,
      hint: 'This is a defect in walvault. Please report it with the lines above.',
      code: undefined,
    };
  return { message: String(error), hint: undefined, code: undefined };
}
