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
   * Check host and port in the connection string, `listen_addresses` of the server, and the firewall between. Tried again.
   */
  | 'ERR_CONNECT'
  /** The server did not answer within `connect_timeout`. Often a firewall that drops silently, or a server at its limits. Tried again. */
  | 'ERR_CONNECT_TIMEOUT'
  /**
   * TLS could not be agreed on, or a certificate was not accepted. Check `sslmode`, `sslrootcert`, `sslcert` and `sslkey`,
   * and the certificate of the server. Never worked round by connecting with less safety than `sslmode` asks for.
   */
  | 'ERR_TLS'
  /**
   * The server did not let us in, or asked for a method of authentication that is not supported or not allowed here.
   * Check the user, the password (connection string, PGPASSWORD, password file) and pg_hba.conf of the server.
   */
  | 'ERR_AUTHENTICATION'
  /**
   * A server took us, but it is not of the kind that `target_session_attrs` asks for: a standby where the primary is wanted, or the
   * other way round. Tried again, since a failover may be on its way. Check that `host` names all servers of the cluster.
   */
  | 'ERR_TARGET_SESSION'
  /** The server answered with an error. `sqlState` says which; see "PostgreSQL Error Codes" in the PostgreSQL manual. */
  | 'ERR_SERVER'
  /**
   * What arrived is not the PostgreSQL protocol: a message of unknown type, with a wrong length, or at a place where it
   * cannot be. Something else than PostgreSQL listens on that port, or a proxy between does not understand replication.
   */
  | 'ERR_PROTOCOL_VIOLATION'
  /** The connection ended while it was in use: the server crashed or was stopped at once, or the network failed. Tried again. */
  | 'ERR_CONNECTION_LOST'
  /**
   * The server took too long over the answer to a command, or over a message that it had begun. It hangs, or the network
   * between drops packets without a word. The connection is closed. Tried again.
   */
  | 'ERR_ANSWER_TIMEOUT'
  /** The server is too old for what is asked of it. Connections need PostgreSQL 10, reading a slot by command needs 15. */
  | 'ERR_UNSUPPORTED_SERVER'
  /** A name cannot go into a replication command. Slot names have 1 to 63 characters out of a-z, 0-9 and underscore. */
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
