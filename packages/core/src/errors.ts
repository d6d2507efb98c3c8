/** The errors of the use cases: what only they can know. Everything else comes from the packages below as it is. */
import type { SlotVerdict } from '@walvault/slots';
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
  /** There is no WAL of the server in the archive, nor in the directories that feed it. Check that the file system is mounted. */
  | 'ERR_NO_WAL'
  /**
   * The role of the connection may not do on the server what the command needs (SQLSTATE 42501). The hint has the GRANT that a superuser has
   * to run there.
   */
  | 'ERR_MISSING_PRIVILEGE'
  /** Another process does this for the server already. */
  | 'ERR_ALREADY_RUNNING'
  /** There is no process to stop. */
  | 'ERR_NOT_RUNNING'
  /** The process did not end in time after it was told to. */
  | 'ERR_STILL_RUNNING'
  /** The server shut down in good order. The receiver waits for it to come back. */
  | 'ERR_SERVER_SHUT_DOWN'
  /** The replication slot cannot be used for streaming; the message says why. */
  | 'ERR_SLOT_UNUSABLE'
  /**
   * The server no longer has the WAL that comes next: there is a hole between what is here and what the server can still send. It is
   * on record in `holes.json`. With `gap_policy = stop` the receiver waits, and goes on by itself when the server has the WAL again (it can be
   * copied back into pg_wal from another archive or a standby while the server is stopped) or when the connection leads to a server that has it. To accept the
   * hole, set `gap_policy = continue`, or stop the receiver and run `walvault receive-wal --reset SERVER`; then take a new base backup,
   * since older ones cannot be recovered past the hole.
   */
  | 'ERR_WAL_REMOVED'
  /**
   * A server was looked at, and did not answer in the time that the look may take. The host may be down, a firewall may drop what is
   * sent to it, the name service of this machine may be slow, or the server may hang. Try `psql` with the same connection string.
   */
  | 'ERR_NO_ANSWER_IN_TIME'
  /** A server has WAL segments of another size than the archive, so that no file of one can be a file of the other. */
  | 'ERR_SEGMENT_SIZE_DIFFERS'
  /** `holes.json` does not hold what walvault writes there. Move it away after looking at it. */
  | 'ERR_HOLES_FILE'
  /**
   * `--reset` cannot help: what is here goes further than the WAL of the server. Either a file with a wrong name lies in the
   * directory, or the server was restored to an earlier state. Nothing is ever removed for that; the message names what is there.
   */
  | 'ERR_RESET_AHEAD';

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

/** The replication slot cannot be used for streaming. */
export class SlotUnusableError extends CoreError {
  /** What is wrong with it. */
  readonly problem: SlotVerdict['kind'];

  constructor(problem: SlotVerdict['kind'], message: string, options: WalvaultErrorOptions = {}) {
    super('ERR_SLOT_UNUSABLE', message, { ...options, retry: problem === 'inUse' ? 'retry' : 'fatal' });
    this.problem = problem;
  }
}
