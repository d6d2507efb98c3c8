/** Takes passwords out of connection strings, in both forms that libpq knows, before anybody sees or logs them. */

const replacement = '*REDACTED*';
/** `password = value` with the value bare or quoted, also unterminated; as a URI parameter it ends at the next `&`. */
const parameter = /((?:password|passphrase|secret)\s*=\s*)('(?:[^'\\]|\\.)*(?:'|$)|(?:[^\s&\\]|\\.)+)/gis;
/** `scheme://user:password@`, up to the last `@`, since a password that was not percent-encoded may hold some. */
const authority = /(\w:\/\/[^\s:@/]*:)\S*@/g;

/** A connection string, or any text with one in it, without its passwords. */
export function redactPasswords(text: string): string {
  return text.replace(authority, `$1${replacement}@`).replace(parameter, `$1${replacement}`);
}
