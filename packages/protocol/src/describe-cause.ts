/** What other programs' errors say, in the few words that fit into a message of ours. */
import { getSystemErrorMessage } from 'node:util';

/** What a system error says in words (`connection refused`), or its code, or its message. */
export function describeCause(cause: unknown): string {
  const errno = cause instanceof Error && 'errno' in cause && typeof cause.errno === 'number' ? cause.errno : 0;
  return errno < 0 ? getSystemErrorMessage(errno) : codeOf(cause);
}

/** The code of an error (`ECONNREFUSED`), or its message when there is none. */
export function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
