/** What can go wrong between a replication message and a durable segment file. */
import { formatLsn, type Lsn, type RetryAdvice, type WalFault, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type ReceiverErrorCode =
  /**
   * The server sent WAL that does not follow the last byte received. Nothing past the hole was written or acknowledged.
   *
   * @why The server, or something between, left bytes out; or its history changed in the middle.
   * @do Nothing: the WAL is asked for again from the expected position. If it stays so, look at the server and at proxies between.
   * @retry retry
   */
  | 'ERR_WAL_GAP'
  /**
   * A page of the WAL that arrived is not what PostgreSQL writes there. Nothing from that page on was acknowledged.
   *
   * @why Damage on the way, in the memory or on the disk of the server.
   * @do The stream is asked for again, which mends damage done on the way. If it stays so, look at it on the server: `pg_waldump
   * -p PGDATA/pg_wal -s LSN`, and at the disk of the server; take a new base backup as soon as the server is healthy.
   * @retry retry
   */
  | 'ERR_WAL_PAGE'
  /**
   * A record of the WAL that arrived is not right: its checksum, its length or its link to the record before. Nothing from it on
   * was acknowledged.
   *
   * @why Damage on the way, in the memory or on the disk of the server.
   * @do The stream is asked for again from the first byte of the record, which mends damage done on the way. If it stays so, look
   * at it on the server: `pg_waldump -p PGDATA/pg_wal -s LSN`, and at the disk of the server; take a new base backup as soon as
   * the server is healthy.
   * @retry retry
   */
  | 'ERR_WAL_RECORD'
  /**
   * The server is another cluster than the one that this directory belongs to. Nothing was changed.
   *
   * @why The connection leads to the wrong server, or the server was made anew (initdb, pg_upgrade), which gives it another system
   * identifier.
   * @do Compare `SELECT system_identifier FROM pg_control_system()` with `identity.json`. A new cluster gets a section, and so
   * directories, of its own; the old archive is kept as long as its backups are.
   * @retry fatal
   */
  | 'ERR_OTHER_CLUSTER'
  /**
   * A segment file in the streaming directory has a size that no segment of this cluster has, at the place where streaming would
   * go on.
   *
   * @why It was cut off by hand or by a broken copy, or comes from another cluster.
   * @do Look at it, then move it out of the streaming directory; `walvault receive-wal SERVER` then starts again at the position
   * before it.
   * @retry fatal
   */
  | 'ERR_SEGMENT_FILE_SIZE'
  /**
   * The directory holds WAL that the server does not have yet.
   *
   * @why The server is a standby that lags behind, or was restored to an earlier state without a new timeline.
   * @do A standby catches up by itself. If the server was restored, its WAL has another history: archive what is here (`walvault
   * archive-wal SERVER`), and receive the server by a section of its own.
   * @retry retry
   */
  | 'ERR_RECEIVER_AHEAD'
  /**
   * The history of the server does not lead on from the WAL that was received. Nothing was changed.
   *
   * @why The connection leads to an old primary or to a server that was restored to an earlier state.
   * @do Ask the server `SELECT timeline_id FROM pg_control_checkpoint()` and whether it is the primary; correct the connection
   * string. See the timelines that are here with `walvault show-wal SERVER`.
   * @retry fatal
   */
  | 'ERR_TIMELINE_NOT_IN_HISTORY'
  /**
   * Nothing came from the server for as long as its own wal_sender_timeout. The connection is closed and made anew.
   *
   * @why The server hangs, or the network between drops packets without a word.
   * @do Nothing, if it happened once. If it comes back, look at the load of the server and at the firewall; `wal_sender_timeout`
   * of the server tells how long is waited.
   * @retry retry
   */
  | 'ERR_SERVER_SILENT'
  /**
   * The server named a next timeline that cannot follow the one that was streamed, or whose history file is not the one that is
   * kept.
   *
   * @why Two servers were promoted apart, so that one timeline number has two histories.
   * @do Check where the connection leads. If it is right, stop the receiver with `walvault receive-wal --stop SERVER`, move the
   * kept history file and the segments of that timeline away, and start it again.
   * @retry fatal
   */
  | 'ERR_TIMELINE_SWITCH'
  /**
   * `identity.json` cannot be read as what walvault, or Barman, writes there.
   *
   * @why The file was edited, or damaged by its disk.
   * @do It should read `{"systemid": "<system identifier>", "version": "<major version>"}`. If it is damaged, move it away; it is
   * written again at the next contact, so make sure first that the connection leads to the right server.
   * @retry fatal
   */
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
