/**
 * The secrets of TLS sessions, appended to a file for those who must read captured packets (`sslkeylogfile`). Whoever has the file
 * reads the connection, so it is made for its owner alone.
 */
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { describeCause } from './describe-cause.ts';
import { TlsError } from './errors.ts';

/** Takes the secrets of one handshake. Dispose of it when the handshake is over. */
export interface KeyLog extends Disposable {
  readonly write: (line: Buffer) => void;
}

/** Opens the file; does nothing when there is none to be written. @throws {TlsError} when it cannot be written. */
export function openKeyLog(path: string | undefined): KeyLog {
  if (path === undefined) return { write: () => {}, [Symbol.dispose]: () => {} };
  try {
    const descriptor = openSync(path, 'a', 0o600);
    // At once and in order: the lines are few, and the next packets make no sense without them.
    return { write: (line) => appendFileSync(descriptor, line), [Symbol.dispose]: () => closeSync(descriptor) };
  } catch (cause) {
    throw new TlsError(`could not open TLS key log file "${path}": ${describeCause(cause)}`, { cause });
  }
}
