/** What can go wrong between a replication message and a durable segment file. */
import { formatLsn, type Lsn, type RetryAdvice, type WalFault, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type ReceiverErrorCode =
  /** The server sent WAL that does not follow the last byte received. Nothing past the hole was written or acknowledged. */
  | 'ERR_WAL_GAP'
  /** A page of the WAL that arrived is not what PostgreSQL writes there. Nothing from that page on was acknowledged. */
  | 'ERR_WAL_PAGE'
  /**
   * A record of the WAL that arrived is not right: its checksum, its length or its link to the record before. Nothing from it on
   * was acknowledged; the stream is asked for again from its first byte, which mends damage done on the way.
   */
  | 'ERR_WAL_RECORD'
  /** The server is another cluster than the one that this directory belongs to. Use a directory of its own for each cluster. */
  | 'ERR_OTHER_CLUSTER'
  /** A segment file in the streaming directory has a size that no segment of this cluster has. Move it away after looking at it. */
  | 'ERR_SEGMENT_FILE_SIZE'
  /** The directory holds WAL that the server does not have yet. A lagging standby catches up; a restored server never does. */
  | 'ERR_RECEIVER_AHEAD'
  /** The server's history does not lead on from the WAL that was received. Check where the connection leads. */
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
    this.retry = worthAnotherTry.has(code) ? 'retry' : 'fatal';
    this.lsn = options.lsn;
    this.path = options.path;
  }
}

const worthAnotherTry: ReadonlySet<ReceiverErrorCode> = new Set([
  'ERR_RECEIVER_AHEAD',
  'ERR_SERVER_SILENT',
  'ERR_WAL_GAP',
  'ERR_WAL_PAGE',
  'ERR_WAL_RECORD',
]);

/** WAL arrived for `got` while `expected` was due. */
export function walGap(expected: Lsn, got: Lsn, path: string): ReceiverError {
  return new ReceiverError('ERR_WAL_GAP', `got WAL at ${formatLsn(got)}, expected ${formatLsn(expected)}`, {
    lsn: expected,
    path,
    hint: 'The stream has a hole, so it was left. Nothing past the hole was kept; streaming can start again at the expected position.',
  });
}

/** WAL arrived that is not right. `path` is the file that it belongs in. */
export function badWal(fault: WalFault, path: string): ReceiverError {
  const code = fault.kind === 'page' ? 'ERR_WAL_PAGE' : 'ERR_WAL_RECORD';
  return new ReceiverError(code, `the WAL ${fault.kind} at ${formatLsn(fault.lsn)} is not right: ${fault.problem}`, {
    lsn: fault.lsn,
    path,
    hint: 'Nothing from there on was acknowledged. If it stays so after a new connection, the WAL is damaged on the disk of the server: pg_waldump at this position tells more.',
  });
}
