/**
 * What the server says when it says no: ErrorResponse with all its fields ("Error and Notice Message Fields" in the
 * PostgreSQL manual). What to do next follows from the SQLSTATE alone, since the text is translated.
 */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** The fields of an ErrorResponse or NoticeResponse by their one-letter codes, as sent. */
export type ServerMessageFields = ReadonlyMap<string, string>;

/** An error reported by the server. The message is the server's own, in the language of its `lc_messages`. */
export class ServerError extends WalvaultError {
  readonly code = 'ERR_SERVER';
  /** By {@link retryAdviceOf} the SQLSTATE. */
  readonly retry: RetryAdvice;
  /** Five characters, for example `58P01`. */
  readonly sqlState: string;
  /** `ERROR`, `FATAL` or `PANIC`, never translated (field V). After FATAL and PANIC the server closes the connection. */
  readonly severity: string;
  readonly detail: string | undefined;
  /** The server's own hint; `hint` is ours. */
  readonly serverHint: string | undefined;
  /** Position in the query text, from 1. */
  readonly position: string | undefined;
  /** Context in which the error arose. */
  readonly where: string | undefined;
  readonly schema: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly dataType: string | undefined;
  readonly constraint: string | undefined;
  /** Where in the server's source: file, line, function. */
  readonly file: string | undefined;
  readonly line: string | undefined;
  readonly routine: string | undefined;

  constructor(fields: ServerMessageFields, options: WalvaultErrorOptions = {}) {
    const sqlState = fields.get('C') ?? 'XX000';
    super(oneLine(fields.get('M') ?? 'the server reported an error without a message'), {
      hint: options.hint ?? hints[sqlState],
      cause: options.cause,
    });
    this.sqlState = sqlState;
    this.retry = retryAdviceOf(sqlState);
    this.severity = fields.get('V') ?? fields.get('S') ?? 'ERROR';
    this.detail = fields.get('D');
    this.serverHint = fields.get('H');
    this.position = fields.get('P');
    this.where = fields.get('W');
    this.schema = fields.get('s');
    this.table = fields.get('t');
    this.column = fields.get('c');
    this.dataType = fields.get('d');
    this.constraint = fields.get('n');
    this.file = fields.get('F');
    this.line = fields.get('L');
    this.routine = fields.get('R');
  }

  /** Whether the server closes the connection after this error. */
  get isTerminal(): boolean {
    return this.severity === 'FATAL' || this.severity === 'PANIC';
  }
}

/**
 * Whether trying again can help after an SQLSTATE. Two states mean several things, and only their text would tell
 * them apart: 55000 is a slot that was invalidated but also a server about to stop, XX000 a start position that is not
 * in the server's history but also one that a lagging standby has not reached. Both are `retry`: a receiver that gives
 * up during a server's shutdown costs more than one that asks again. Whoever must know looks at the slot and the LSNs.
 */
export function retryAdviceOf(sqlState: string): RetryAdvice {
  if (fatalStates.has(sqlState)) return 'fatal';
  return retryStates.has(sqlState) || retryClasses.has(sqlState.slice(0, 2)) ? 'retry' : 'fatal';
}

/** 08 connection, 40 rollback, 53 resources, 57 operator, 58 system. */
const retryClasses: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58']);
/** 55000 not in prerequisite state, 55006 object in use, 55P03 lock not available, XX000 internal error. */
const retryStates: ReadonlySet<string> = new Set(['55000', '55006', '55P03', 'XX000']);
/** 08P01 protocol violation, 53400 no free slot, 57P04 database dropped, 58P01 file (WAL segment) is not there. */
const fatalStates: ReadonlySet<string> = new Set(['08P01', '53400', '57P04', '58P01']);

/** The words that `walvault explain SQLSTATE` has are these hints and the comments at them: the name of the condition, and what it means here. */
const hints: Readonly<Record<string, string>> = {
  /** invalid_catalog_name: there is no database of the name that the connection string gives. */
  '3D000': 'Correct dbname in the connection string; `\\l` of psql lists the databases.',
  /** insufficient_privilege: the role that walvault connects as may not do this. */
  '42501': 'The role lacks a privilege for this; read the message of the server.',
  /** undefined_object: there is no slot, role or setting of this name. */
  '42704': 'Create it first, or check the name.',
  /** too_many_connections: the server has no room for one more connection, or for one more walsender. */
  '53300':
    'All connections of that kind are in use. Raise max_wal_senders or max_connections on the server, or stop what holds them.',
  /** configuration_limit_exceeded: the server has no room for one more replication slot. */
  '53400': 'All replication slots are in use. Drop one that nobody needs or raise max_replication_slots.',
  /** object_not_in_prerequisite_state: the slot was invalidated, or the server is about to stop. */
  '55000':
    'Look at wal_status of the slot in pg_replication_slots: one that is lost has to be dropped and created anew. Else the server is stopping.',
  /** object_in_use: another process of the server streams by the slot. */
  '55006':
    'Another receiver uses the slot, or the server has not yet noticed that the last one is gone (at most wal_sender_timeout).',
  /** admin_shutdown: somebody ended the connection, by pg_terminate_backend() or a shutdown of the server. */
  '57P01': 'Nothing is wrong here: the receiver connects again when the server is there.',
  /** cannot_connect_now: the server takes no connections at the moment. */
  '57P03': 'The server is starting, stopping or recovering; wait until it accepts connections.',
  /** undefined_file: the server no longer has the WAL segment, or the history file, that was asked for. */
  '58P01':
    'The server no longer has the file. Look for it in another archive or on a standby, or start over with a new base backup.',
};

function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
