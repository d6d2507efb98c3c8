/** Reading the answer to one command: its rows, and "ready for query" behind them. */
import type { BackendMessage } from './backend-messages.ts';
import { ProtocolViolationError } from './errors.ts';
import { ServerError } from './server-error.ts';
import type { Session } from './session.ts';

/** The rows of one result set, values as the bytes that were sent (text format). */
export interface ResultSet {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (Buffer | null)[])[];
}

/**
 * Reads the answer to a command to its end, so that the next one can be sent.
 * @param first the first message of the answer, when it has been read already.
 * @returns the result sets that came. @throws {ServerError} what the server answered instead; after an error that closes
 * the connection it does not wait for more.
 */
export async function readResults(session: Session, first?: BackendMessage): Promise<readonly ResultSet[]> {
  const results: { columns: readonly string[]; rows: (readonly (Buffer | null)[])[] }[] = [];
  let error: ServerError | undefined;
  for (let message = first ?? (await session.next()); message.kind !== 'readyForQuery'; message = await session.next()) {
    if (message.kind === 'error') error ??= new ServerError(message.fields);
    else if (message.kind === 'rowDescription') results.push({ columns: message.columns, rows: [] });
    else if (message.kind === 'dataRow') results.at(-1)?.rows.push(message.values);
    else if (message.kind !== 'commandComplete' && message.kind !== 'acknowledgement') {
      throw session.unexpected(message, 'in the answer to a command');
    }
    if (error?.isTerminal === true) {
      session.fail(error);
      throw error;
    }
  }
  if (error !== undefined) throw error;
  return results;
}

/** The value in a column of the first row as text; undefined for NULL, or when there is no such row or column. */
export function textValue(result: ResultSet | undefined, column: string): string | undefined {
  return result?.rows[0]?.[result.columns.indexOf(column)]?.toString('utf8');
}

/** The same for a column that must be there. @throws {ProtocolViolationError} when it is not. */
export function requiredText(result: ResultSet | undefined, column: string): string {
  const value = textValue(result, column);
  if (value === undefined) throw new ProtocolViolationError(`the answer of the server has no column "${column}"`);
  return value;
}
