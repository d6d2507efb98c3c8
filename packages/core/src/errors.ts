/** The errors of the use cases: what only they can know. Everything else comes from the packages below as it is. */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type CoreErrorCode =
  /** The configuration has no server of this name. `list-servers` shows the names. */
  | 'ERR_UNKNOWN_SERVER'
  /** The server is configured with `active = false`. */
  | 'ERR_SERVER_INACTIVE'
  /** An option that this command needs is not set for the server. */
  | 'ERR_OPTION_REQUIRED'
  /** The configuration asks for something that this version cannot do. */
  | 'ERR_NOT_SUPPORTED'
  /** Another process does this for the server already. */
  | 'ERR_ALREADY_RUNNING'
  /** There is no process to stop. */
  | 'ERR_NOT_RUNNING'
  /** The process did not end in time after it was told to. */
  | 'ERR_STILL_RUNNING'
  /** The server shut down in good order. The receiver waits for it to come back. */
  | 'ERR_SERVER_SHUT_DOWN'
  /** The replication slot cannot be used for streaming; the message says why. */
  | 'ERR_SLOT_UNUSABLE';

/** A use case that cannot be carried out. */
export class CoreError extends WalvaultError {
  readonly code: CoreErrorCode;
  readonly retry: RetryAdvice;

  constructor(code: CoreErrorCode, message: string, options: WalvaultErrorOptions & { retry?: RetryAdvice } = {}) {
    super(message, options);
    this.code = code;
    this.retry = options.retry ?? 'fatal';
  }
}
