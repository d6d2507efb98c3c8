/**
 * The base of every error that walvault throws on purpose.
 *
 * Deciding what to do next is a property of the error, not of its text: `code` names it (`ERR_...`, stable),
 * `retry` says whether trying again can help, and `hint` is a full sentence that tells the operator what to do.
 * Messages follow PostgreSQL's style: one line, lower case, no final period, values included.
 */

const brand = Symbol.for('@walvault/error');

/** Whether trying the same thing again can help: `retry` when the trouble may pass by itself, `fatal` when it cannot. */
export type RetryAdvice = 'retry' | 'fatal';

/** What every {@link WalvaultError} can be given besides its message. */
export interface WalvaultErrorOptions {
  /** A full sentence for the operator: what to do now. */
  readonly hint?: string | undefined;
  /** The error that led to this one, when this one adds what only the caller knew (path, LSN, command). */
  readonly cause?: unknown;
}

/** Base class of all errors of the walvault packages. */
export abstract class WalvaultError extends Error {
  /** Stable name of the error, `ERR_...`. Its doc comment in the package that throws it is its manual entry. */
  abstract readonly code: string;
  /** Whether trying again can help. */
  abstract readonly retry: RetryAdvice;
  /** What the operator should do, as a full sentence, if there is something better than reading the message. */
  readonly hint: string | undefined;

  constructor(message: string, options: WalvaultErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Whether a caught value is one of ours, also when it comes from a second copy of this package. */
  static is(value: unknown): value is WalvaultError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Codes of the errors of this package. */
export type WalErrorCode =
  /**
   * A text is not a log sequence number (LSN).
   *
   * @why It was typed or copied wrong. An LSN is two hexadecimal numbers of up to 8 digits with a slash between, as in
   * `16/B374D848`.
   * @do Ask the server for one: `SELECT pg_current_wal_lsn()`. What the archive reaches is shown by `walvault show-wal SERVER`.
   * @retry fatal
   */
  | 'ERR_INVALID_LSN'
  /**
   * A number is not a timeline ID.
   *
   * @why Timeline IDs run from 1 to 4294967295. In the names of files they are written as 8 hexadecimal digits.
   * @do Take one of those that `walvault show-wal SERVER` lists.
   * @retry fatal
   */
  | 'ERR_INVALID_TIMELINE'
  /**
   * A WAL segment size is not a power of two between 1 MiB and 1 GiB, which is what PostgreSQL allows.
   *
   * @why The first page of a WAL file is damaged, or what the server answered to `SHOW wal_segment_size` makes no sense.
   * @do Compare with `SHOW wal_segment_size` on the server. If a file is named, check it: `walvault verify-wal SERVER`.
   * @retry fatal
   */
  | 'ERR_INVALID_SEGMENT_SIZE'
  /**
   * A file name is not that of a WAL segment, a partial segment, a timeline history or a backup history file.
   *
   * @why The name was typed wrong, or names a file of a cluster with another WAL segment size.
   * @do Segments have 24 hexadecimal digits, as `000000010000000A000000FF`; `walvault show-wal SERVER` shows the first and last
   * name of each timeline.
   * @retry fatal
   */
  | 'ERR_INVALID_WAL_FILE_NAME'
  /**
   * A timeline history file does not hold what PostgreSQL writes there.
   *
   * @why The file was damaged or cut off, or is another file under that name.
   * @do Fetch it again from `pg_wal` of the server or of a standby, and compare the two before the damaged one is moved away.
   * @retry fatal
   */
  | 'ERR_INVALID_HISTORY_FILE'
  /**
   * A WAL page does not start with a header that PostgreSQL would accept at that place.
   *
   * @why The file was cut off or damaged, or is no WAL at all.
   * @do See what is damaged with `walvault verify-wal SERVER`, and have it streamed again with `walvault heal-wal SERVER` while
   * the server or a standby still has it.
   * @retry fatal
   */
  | 'ERR_INVALID_PAGE_HEADER'
  /**
   * What one check of WAL noted for the next one cannot be used.
   *
   * @why The note in the catalogue is damaged, was written by a later version of walvault, or belongs to another place.
   * @do Make the notes anew from the files: `walvault rebuild-catalog SERVER`.
   * @retry fatal
   */
  | 'ERR_INVALID_WAL_SEAM';

/** A text, name or header that is not what PostgreSQL's WAL format says. Trying again does not help. */
export class WalFormatError extends WalvaultError {
  readonly code: WalErrorCode;
  readonly retry = 'fatal';

  constructor(code: WalErrorCode, message: string, options?: WalvaultErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
