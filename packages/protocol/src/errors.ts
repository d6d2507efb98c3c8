/**
 * What can go wrong between here and the server, apart from what the server itself says (server-error.ts).
 *
 * Each class answers one question of the operator: could we get there (ConnectError, TlsError), were we let in
 * (AuthenticationError), did the other side speak PostgreSQL (ProtocolViolationError, UnsupportedServerError), did
 * it stay (ConnectionLostError). An abort is none of these: the reason of the signal is thrown as it is.
 */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package, apart from those of reading a connection string. */
export type ProtocolErrorCode =
  /**
   * The server could not be reached: the name was not found, nobody listens there, or the network does not carry.
   *
   * @why PostgreSQL is down, `listen_addresses` leaves this address out, a firewall is between, or host or port are wrong.
   * @do Ask `walvault doctor SERVER`, which goes the whole way and names the step that fails; or try `pg_isready -h HOST -p PORT`
   * from this machine. Check host and port of the connection string, `SHOW listen_addresses` on the server, and the firewall.
   * @retry retry
   */
  | 'ERR_CONNECT'
  /**
   * The server did not answer within `connect_timeout`.
   *
   * @why Often a firewall that drops packets without a word, or a server at the end of its strength.
   * @do Ask `walvault doctor SERVER`, or try `pg_isready -h HOST -p PORT`; look at the firewall; set `connect_timeout` higher in
   * the connection string for a slow line.
   * @retry retry
   */
  | 'ERR_CONNECT_TIMEOUT'
  /**
   * TLS could not be agreed on, or a certificate was not accepted. walvault never works round that by connecting with less safety
   * than `sslmode` asks for.
   *
   * @why The CA of the server is not in `sslrootcert`, the certificate has expired or names another host, the server has `ssl =
   * off`, or it does not accept our client certificate.
   * @do Read the hint, and ask `walvault doctor SERVER`; look at the certificate with `openssl s_client -starttls postgres
   * -connect HOST:PORT`. Correct `sslrootcert`, `sslcert`, `sslkey` or `host` in the connection string, or the certificate of the
   * server.
   * @retry either only a network that broke in the middle of it comes back by itself
   */
  | 'ERR_TLS'
  /**
   * The server did not let us in, or asked for a method of authentication that is not supported or not allowed here.
   *
   * @why A wrong password, a role that is missing or lacks LOGIN and REPLICATION, or no line in `pg_hba.conf` for `replication`
   * from this address.
   * @do `walvault setup SERVER` prints the role, its rights and the line for `pg_hba.conf` that the server needs (a line for the
   * database `replication`), for psql. Here: the password in `~/.pgpass` (mode 600). `walvault doctor SERVER` and the log of the
   * server say which of them it is.
   * @retry fatal
   */
  | 'ERR_AUTHENTICATION'
  /**
   * A server took us, but it is not of the kind that `target_session_attrs` asks for: a standby where the primary is wanted, or
   * the other way round.
   *
   * @why A failover is on its way, or `host` does not name all servers of the cluster.
   * @do Wait, if a failover is on its way. Otherwise ask each server `SELECT pg_is_in_recovery()`, and correct `host` or
   * `target_session_attrs` in the connection string.
   * @retry retry
   */
  | 'ERR_TARGET_SESSION'
  /**
   * The server answered with an error. The SQLSTATE in front of it or beside it says which.
   *
   * @why As the server says; its log has more.
   * @do Ask for the SQLSTATE, as in `walvault explain 58P01`. All of them are listed under "PostgreSQL Error Codes" in the manual
   * of PostgreSQL.
   * @retry either by the SQLSTATE
   */
  | 'ERR_SERVER'
  /**
   * What arrived is not the PostgreSQL protocol. The connection is closed, and nothing behind it is used.
   *
   * @why Something else than PostgreSQL listens on that port, or a proxy or pooler between does not pass replication through.
   * @do Connect to PostgreSQL itself: PgBouncer and most proxies cannot do replication. Correct host and port of
   * `streaming_conninfo`.
   * @retry fatal
   */
  | 'ERR_PROTOCOL_VIOLATION'
  /**
   * The connection ended while it was in use.
   *
   * @why The server crashed or was stopped at once, the network failed, or something between closes idle connections.
   * @do Nothing: the receiver connects again. If it happens often, look at the log of the server, and set `keepalives_idle` in the
   * connection string lower than the limit of the firewall.
   * @retry retry
   */
  | 'ERR_CONNECTION_LOST'
  /**
   * The server took too long over the answer to a command, or over a message that it had begun. The connection is closed.
   *
   * @why It hangs (storage, locks), or the network between drops packets without a word.
   * @do The receiver connects again. Look at the load and the log of the server if it stays so.
   * @retry retry
   */
  | 'ERR_ANSWER_TIMEOUT'
  /**
   * The server is too old for what is asked of it.
   *
   * @why Connections need PostgreSQL 10, reading a slot by command needs 15, `min_protocol_version=3.2` needs 18.
   * @do Check where the connection leads with `SHOW server_version`; upgrade the server, or remove the demand from the connection
   * string.
   * @retry fatal
   */
  | 'ERR_UNSUPPORTED_SERVER'
  /**
   * A name cannot go into a replication command.
   *
   * @why Names of slots have 1 to 63 characters out of a-z, 0-9 and underscore.
   * @do Correct `slot_name` in the section of the server.
   * @retry fatal
   */
  | 'ERR_INVALID_NAME';

/** The server could not be reached. `retry` is `retry`: the network or the server may come back. */
export class ConnectError extends WalvaultError {
  readonly code: 'ERR_CONNECT' | 'ERR_CONNECT_TIMEOUT';
  readonly retry = 'retry';
  /** Where, in words: `server at "db1" (10.0.0.1), port 5432`. */
  readonly where: string;
  /** What each address answered, in the order tried, when there was more than one. */
  readonly attempts: readonly unknown[];

  constructor(
    message: string,
    options: WalvaultErrorOptions & {
      readonly where: string;
      readonly attempts?: readonly unknown[] | undefined;
      readonly timedOut?: boolean | undefined;
    },
  ) {
    super(message, options);
    this.code = options.timedOut === true ? 'ERR_CONNECT_TIMEOUT' : 'ERR_CONNECT';
    this.where = options.where;
    this.attempts = options.attempts ?? [];
  }
}

/** TLS was refused, not agreed on, or a certificate was not accepted. */
export class TlsError extends WalvaultError {
  readonly code = 'ERR_TLS';
  /** `retry` only when the network broke in the middle of the handshake. */
  readonly retry: RetryAdvice;

  constructor(message: string, options: WalvaultErrorOptions & { readonly retry?: RetryAdvice | undefined } = {}) {
    super(message, options);
    this.retry = options.retry ?? 'fatal';
  }
}

/** The server did not let us in (SQLSTATE class 28), or we refused its way of authentication. */
export class AuthenticationError extends WalvaultError {
  readonly code = 'ERR_AUTHENTICATION';
  readonly retry = 'fatal';
  /** What the server said, `28000` or `28P01`; undefined when the refusal is ours. */
  readonly sqlState: string | undefined;

  constructor(message: string, options: WalvaultErrorOptions & { readonly sqlState?: string | undefined } = {}) {
    super(message, options);
    this.sqlState = options.sqlState;
  }
}

/** The server is not of the kind that `target_session_attrs` asks for. */
export class TargetSessionError extends WalvaultError {
  readonly code = 'ERR_TARGET_SESSION';
  readonly retry = 'retry';
}

/** The other side does not speak the protocol. The connection is closed; nothing after the violation is used. */
export class ProtocolViolationError extends WalvaultError {
  readonly code = 'ERR_PROTOCOL_VIOLATION';
  readonly retry = 'fatal';
}

/** The connection ended while it was in use. */
export class ConnectionLostError extends WalvaultError {
  readonly code = 'ERR_CONNECTION_LOST';
  readonly retry = 'retry';
}

/** The server did not answer in time. The connection is closed, for the answer may still come. */
export class AnswerTimeoutError extends WalvaultError {
  readonly code = 'ERR_ANSWER_TIMEOUT';
  readonly retry = 'retry';
}

/** The server is too old for what is asked. */
export class UnsupportedServerError extends WalvaultError {
  readonly code = 'ERR_UNSUPPORTED_SERVER';
  readonly retry = 'fatal';
}

/** A name cannot go into a replication command. Nothing was sent. */
export class InvalidNameError extends WalvaultError {
  readonly code = 'ERR_INVALID_NAME';
  readonly retry = 'fatal';
}
