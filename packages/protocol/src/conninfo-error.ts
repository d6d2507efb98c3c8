/** What can be wrong with a connection string and with the files and variables that complete it. */
import { WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of {@link ConninfoError}. */
export type ConninfoErrorCode =
  /**
   * A connection string cannot be read, names a parameter that libpq does not know, or gives a parameter a value that is not
   * allowed. The message never shows a password.
   *
   * @why A typing error; a space or quote in a value that is not quoted; a variable of the environment (PGHOST, PGPORT, ...) with
   * a bad value.
   * @do Correct what the message names: the option (`conninfo`, `streaming_conninfo`, ...), the service file or the variable. The
   * form is `host=db1 port=5432 user=streaming_barman`; a value with spaces stands between single quotes. Check with `walvault
   * status SERVER`.
   * @retry fatal
   */
  | 'ERR_INVALID_CONNINFO'
  /**
   * A parameter is right for libpq, but walvault cannot do what it asks for. It is refused, since connecting without it could lead
   * to another place, or be less secure, than was asked for.
   *
   * @why GSSAPI, an SSL engine and the like are of libpq alone.
   * @do Remove the parameter from the connection string or use what the hint names.
   * @retry fatal
   */
  | 'ERR_UNSUPPORTED_CONNINFO'
  /**
   * The service that is named by `service=` or PGSERVICE is in no service file, or the file cannot be read.
   *
   * @why walvault runs as a user with another home directory, or the file lacks the section.
   * @do The files are, in this order, the one that PGSERVICEFILE names or else `~/.pg_service.conf`, then `pg_service.conf` in
   * PGSYSCONFDIR. Add a section `[NAME]` there, or write the parameters into `streaming_conninfo`.
   * @retry fatal
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
