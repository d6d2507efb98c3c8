/** Reading the answer to one command: its rows, and "ready for query" behind them. */
import { WalvaultError } from '@walvault/wal';
import type { BackendMessage } from './backend-messages.ts';
import { ProtocolViolationError } from './errors.ts';
import { maxMessageLength } from './frame-guard.ts';
import { ServerError } from './server-error.ts';
import type { Session } from './session.ts';

/** The rows of one result set, values as the bytes that were sent (text format). Each row has a value for each column. */
export interface ResultSet {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (Buffer | null)[])[];
}

/** One row by column names; null is NULL. */
export type ResultRow = ReadonlyMap<string, Buffer | null>;

/** About what a row, a column or a value costs besides its bytes: without it, rows of nothing would cost nothing. */
const overhead = 64;

/**
 * Reads the answer to a command to its end, so that the next one can be sent.
 * @param first the first message of the answer, when it has been read already.
 * @returns the result sets that came, 64 MiB of them at most. @throws {ServerError} what the server answered instead, also
 * when the connection ends behind that; after an error that closes the connection it does not wait for more.
 */
export async function readResults(session: Session, first?: BackendMessage): Promise<readonly ResultSet[]> {
  const answer = new Answer();
  try {
    for (let message = first ?? (await session.next()); message.kind !== 'readyForQuery'; message = await session.next()) {
      if (!answer.take(message)) throw session.unexpected(message, 'in the answer to a command');
      if (answer.size > maxMessageLength) throw session.fail(new ProtocolViolationError('the answer of the server has no end'));
      if (answer.isLast) throw session.fail(answer.error);
    }
  } catch (cause) {
    // How the connection ended counts less than what the server had said, which may be why; an abort is no error.
    throw WalvaultError.is(cause) ? (answer.error ?? cause) : cause;
  }
  if (answer.error !== undefined) throw answer.error;
  return answer.results;
}

/** The row of an answer that has one row. @throws {ProtocolViolationError} when there is none, or there are more. */
export function onlyRow(results: readonly ResultSet[]): ResultRow {
  const [result, ...others] = results;
  const [row, ...further] = result?.rows ?? [];
  if (result === undefined || row === undefined || others.length > 0 || further.length > 0) {
    throw new ProtocolViolationError('the answer of the server is not the one row that it should be');
  }
  return new Map(result.columns.map((column, index) => [column, row[index] ?? null]));
}

/** The value of a column, undefined for NULL. @throws {ProtocolViolationError} when there is no such column. */
export function textValue(row: ResultRow, column: string): string | undefined {
  const value = row.get(column);
  if (value === undefined) throw new ProtocolViolationError(`the answer of the server has no column "${column}"`);
  return value?.toString('utf8');
}

/** The same for a column that is never NULL. @throws {ProtocolViolationError} when it is. */
export function requiredText(row: ResultRow, column: string): string {
  const value = textValue(row, column);
  if (value === undefined) throw new ProtocolViolationError(`the server answered with NULL for "${column}"`);
  return value;
}

/** What has come of an answer. */
class Answer {
  readonly results: { readonly columns: readonly string[]; readonly rows: (readonly (Buffer | null)[])[] }[] = [];
  /** The first error that the server reported. */
  error: ServerError | undefined;
  /** The server closes the connection behind an error of this kind. */
  isLast = false;
  /** In bytes, about. */
  size = 0;

  /** Whether the message has a place in an answer. */
  take(message: BackendMessage): boolean {
    if (message.kind === 'error') return this.#takeError(new ServerError(message.fields));
    if (message.kind === 'rowDescription') {
      this.results.push({ columns: message.columns, rows: [] });
      this.size += sizeOf(message.columns);
      return true;
    }
    if (message.kind === 'dataRow') return this.#takeRow(message.values);
    return message.kind === 'commandComplete' || message.kind === 'acknowledgement';
  }

  #takeRow(values: readonly (Buffer | null)[]): boolean {
    const result = this.results.at(-1);
    if (result?.columns.length !== values.length) return false;
    result.rows.push(values);
    this.size += sizeOf(values);
    return true;
  }

  #takeError(error: ServerError): true {
    this.error ??= error;
    this.isLast ||= error.isTerminal;
    return true;
  }
}

function sizeOf(values: readonly (string | Buffer | null)[]): number {
  return values.reduce((size, value) => size + overhead + (value?.length ?? 0), overhead);
}
