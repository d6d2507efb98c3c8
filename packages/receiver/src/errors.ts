/** What can go wrong between a replication message and a durable segment file. */
import { formatLsn, type Lsn, type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type ReceiverErrorCode =
  /** The server sent WAL that does not follow the last byte received. Nothing past the hole was written or acknowledged. */
  | 'ERR_WAL_GAP'
  /** A page of the WAL that arrived is not what PostgreSQL writes there. Nothing from that page on was written or acknowledged. */
  | 'ERR_WAL_PAGE'
  /** The server is another cluster than the one that this directory belongs to. Use a directory of its own for each cluster. */
  | 'ERR_OTHER_CLUSTER'
  /** A segment file in the streaming directory has a size that no segment of this cluster has. Move it away after looking at it. */
  | 'ERR_SEGMENT_FILE_SIZE'
  /** The directory holds WAL that the server does not have yet. A lagging standby catches up; a restored server never does. */
  | 'ERR_RECEIVER_AHEAD'
  /** The history of the server does not contain the timeline that this directory holds. */
  | 'ERR_TIMELINE_NOT_IN_HISTORY'
  /** Nothing came from the server for as long as its own wal_sender_timeout. The connection is closed and made anew. */
  | 'ERR_SERVER_SILENT'
  /** The server named a next timeline that cannot follow the one that was streamed. */
  | 'ERR_TIMELINE_SWITCH'
  /** identity.json cannot be read as what walvault (or Barman) writes there. */
  | 'ERR_IDENTITY_FILE';

/** A failure of receiving; `lsn` is the position it is about, `path` the file, where there is one. */
export class ReceiverError extends WalvaultError {
  readonly code: ReceiverErrorCode;
  readonly retry: RetryAdvice;
  readonly lsn: Lsn | undefined;
  readonly path: string | undefined;

  constructor(code: ReceiverErrorCode, message: string, options: WalvaultErrorOptions & { lsn?: Lsn; path?: string } = {}) {
    super(message, options);
    this.code = code;
    this.retry = code === 'ERR_RECEIVER_AHEAD' || code === 'ERR_SERVER_SILENT' || code === 'ERR_WAL_GAP' ? 'retry' : 'fatal';
    this.lsn = options.lsn;
    this.path = options.path;
  }
}

/** WAL arrived for `got` while `expected` was due. */
export function walGap(expected: Lsn, got: Lsn): ReceiverError {
  return new ReceiverError('ERR_WAL_GAP', `got WAL at ${formatLsn(got)}, expected ${formatLsn(expected)}`, {
    lsn: expected,
    hint: 'The stream has a hole, so it was left. Nothing past the hole was kept; streaming can start again at the expected position.',
  });
}
