/** What can be wrong with a connection string and with the files and variables that complete it. */
import { WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of {@link ConninfoError}. */
export type ConninfoErrorCode =
  /**
   * A connection string cannot be read, names a parameter that libpq does not know, or gives a parameter a value that is not
   * allowed. The message names the parameter, or the column in the string; it never shows a password. Correct the option of
   * the configuration (`conninfo`, `streaming_conninfo`, ...), the service file or the environment variable that it names.
   */
  | 'ERR_INVALID_CONNINFO'
  /**
   * A parameter is right for libpq, but walvault cannot do what it asks for. It is refused, because to connect without it could
   * mean to connect to another place, or less securely, than was asked for. Remove it or use what the hint names.
   */
  | 'ERR_UNSUPPORTED_CONNINFO'
  /**
   * The service that is named by `service=` or PGSERVICE is in no service file, or the file cannot be read. The files are, in
   * this order, the one that PGSERVICEFILE names or else ~/.pg_service.conf, then pg_service.conf in PGSYSCONFDIR.
   */
  | 'ERR_INVALID_SERVICE_FILE';

/** A connection string, or what completes it, is wrong. Trying again does not help. */
export class ConninfoError extends WalvaultError {
  readonly code: ConninfoErrorCode;
  readonly retry = 'fatal';

  constructor(code: ConninfoErrorCode, message: string, options?: WalvaultErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
