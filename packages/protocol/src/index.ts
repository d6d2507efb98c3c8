/** @walvault/protocol: the PostgreSQL streaming-replication protocol, from the connection string to the WAL stream. */
export { connectReplication, connectSql } from './connect.ts';
export type { ConnectOptions } from './open-session.ts';
export type {
  AuthenticationMethod,
  ChannelBinding,
  ConnectionParameters,
  HostAddress,
  ProtocolVersions,
  RequiredAuthentication,
  ScramKeys,
  SslMode,
  TargetSession,
  TlsParameters,
} from './connection-parameters.ts';
export { ConninfoError, parseConninfo } from './conninfo.ts';
export type { ConninfoErrorCode, ConninfoKeyword } from './conninfo.ts';
export { describeConnection, redactConninfo } from './describe-connection.ts';
export {
  AnswerTimeoutError,
  AuthenticationError,
  ConnectError,
  ConnectionLostError,
  InvalidNameError,
  ProtocolViolationError,
  TargetSessionError,
  TlsError,
  UnsupportedServerError,
} from './errors.ts';
export type { ProtocolErrorCode } from './errors.ts';
export { probeHosts } from './probe-hosts.ts';
export type { AddressProbe, HostProbe, ProbeOptions } from './probe-hosts.ts';
export { quoteHba, quoteIdentifier, quoteLiteral } from './quoting.ts';
export { ReplicationConnection } from './replication-connection.ts';
export type {
  ReplicationConnectionOptions,
  ReplicationSlotPosition,
  StartReplicationOptions,
  SystemIdentity,
  TimelineHistoryFile,
} from './replication-connection.ts';
export type { PrimaryKeepalive, ReplicationMessage, WalData } from './replication-messages.ts';
export { ReplicationStream } from './replication-stream.ts';
export type { EndOfTimeline, StreamEnd } from './replication-stream.ts';
export { resolveConnection } from './resolve-connection.ts';
export type { ConninfoOverrides, ResolveConnectionOptions } from './resolve-connection.ts';
export { isVerifierOf, scramVerifier } from './password-verifier.ts';
export { ServerError } from './server-error.ts';
export type { ServerMessageFields } from './server-error.ts';
export { SqlConnection } from './sql-connection.ts';
export type { SqlRow } from './sql-connection.ts';
export type { StandbyStatus } from './standby-status.ts';
