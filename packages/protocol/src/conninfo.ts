/**
 * Connection strings as libpq takes them (libpq.sgml, "Connection Strings"; fe-connect.c, conninfo_parse):
 *
 *   host=pg user=barman password='it\'s'                 keyword/value form, read here
 *   postgresql://barman@pg:5432,standby/postgres?k=v     URI form, read in conninfo-uri.ts
 *
 * Only the form and the names are checked here; what the values mean is for resolve-connection.ts. A string may
 * hold a password anywhere, above all where it is wrong, so errors tell the column and quote nothing that could be part of one.
 */
import { ConninfoError } from './conninfo-error.ts';
import { type ConninfoKeyword, type ConninfoPair, isSecretKeyword, nearestKeyword, toConninfoPair } from './conninfo-keywords.ts';
import { isConninfoUri, parseConninfoUri } from './conninfo-uri.ts';

export { ConninfoError } from './conninfo-error.ts';
export type { ConninfoErrorCode } from './conninfo-error.ts';
export type { ConninfoKeyword } from './conninfo-keywords.ts';

/**
 * Reads a connection string in either form. Where a parameter is given twice the last one counts, as in libpq.
 * `requiressl` and, in a URI, `ssl=true` come out as `sslmode`. `dbname` is never read as a connection string of its own.
 * @throws {ConninfoError} `ERR_INVALID_CONNINFO` when the string is malformed or names a parameter that libpq does not know.
 */
export function parseConninfo(text: string): ReadonlyMap<ConninfoKeyword, string> {
  if (text.includes('\0')) throw malformed('the connection string holds a zero byte', quotingHint);
  const pairs = isConninfoUri(text) ? parseConninfoUri(text) : scanPairs(text);
  const values = new Map<ConninfoKeyword, string>();
  for (const { keyword, value } of pairs) values.set(keyword, value);
  return values;
}

/** Writes parameters in keyword/value form, quoted where needed. `parseConninfo` reads back the same. */
export function formatConninfo(values: Iterable<readonly [ConninfoKeyword, string]>): string {
  return Array.from(values, ([keyword, value]) => `${keyword}=${quote(value)}`).join(' ');
}

/**
 * The pairs of a string in keyword/value form, each given out as soon as it is read, so that redaction can keep what stands
 * before an error.
 */
export function* scanPairs(text: string): Generator<ConninfoPair, void> {
  // Sticky expressions go over the text once. Blanks are those of isspace() in the C locale.
  const word = /[ \t\n\v\f\r]*([^= \t\n\v\f\r]*)[ \t\n\v\f\r]*(=?)[ \t\n\v\f\r]*/y;
  const quoted = /'((?:\\[^]|[^'\\])*)('?)/y;
  const plain = /(?:\\[^]|[^\\ \t\n\v\f\r])*\\?/y;
  let mayFollowSecret = false;
  for (let at = skipBlanks(text, 0); at < text.length; at = skipBlanks(text, at)) {
    const [all, name = '', equals] = matchAt(word, text, at);
    if (equals === '') throw missingEquals(at);
    const start = at + all.length;
    const isQuoted = text[start] === "'";
    const [raw, inner = raw, closing = "'"] = matchAt(isQuoted ? quoted : plain, text, start);
    const pair = toConninfoPair(name, unescape(inner));
    if (pair === undefined) throw unknownKeyword(name, at, mayFollowSecret);
    if (closing === '') throw unterminatedQuote(pair.keyword, start);
    yield pair;
    mayFollowSecret = isSecretKeyword(pair.keyword);
    at = start + raw.length;
  }
}

/** The name is shown unless it may be the rest of a secret with a blank or quote in it that should have been quoted. */
function unknownKeyword(name: string, at: number, mayFollowSecret: boolean): ConninfoError {
  const isShown = !mayFollowSecret && /^\w{1,63}$/.test(name);
  const nearest = isShown ? nearestKeyword(name) : undefined;
  return malformed(
    `unknown connection parameter${isShown ? ` "${name}"` : ''} at column ${at + 1} of the connection string`,
    nearest === undefined ? quotingHint : `Perhaps you meant "${nearest}".`,
  );
}

const quotingHint =
  "Write keyword=value pairs; a value with blanks stands in single quotes, with \\' for a quote and \\\\ for a backslash.";

function missingEquals(at: number): ConninfoError {
  return malformed(`missing "=" after the word at column ${at + 1} of the connection string`, quotingHint);
}

function unterminatedQuote(keyword: string, at: number): ConninfoError {
  return malformed(
    `unterminated quoted value of ${keyword}, which starts at column ${at + 1} of the connection string`,
    quotingHint,
  );
}

function malformed(message: string, hint: string): ConninfoError {
  return new ConninfoError('ERR_INVALID_CONNINFO', message, { hint });
}

function skipBlanks(text: string, from: number): number {
  const [blanks] = matchAt(/[ \t\n\v\f\r]*/y, text, from);
  return from + blanks.length;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  if (match === null) throw new Error(`${String(pattern)} must match everywhere`);
  return match;
}

/** A backslash takes the next character as it is; one at the very end means nothing. */
function unescape(text: string): string {
  return text.replaceAll(/\\([^]?)/g, '$1');
}

function quote(value: string): string {
  return /^[^\s'\\]+$/.test(value) ? value : `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
}
