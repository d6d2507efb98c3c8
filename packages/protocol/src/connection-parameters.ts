/**
 * What a connection string, the environment, the service file and the password file come to in the end: one frozen
 * value that says where to connect, as whom, and how. Names and defaults are libpq's (libpq.sgml, "Parameter Key Words").
 */

/** How much encryption and checking is asked for (libpq `sslmode`). It does not apply to Unix sockets. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** Whether the SCRAM exchange must be, may be or must not be bound to the TLS channel (libpq `channel_binding`). */
export type ChannelBinding = 'disable' | 'prefer' | 'require';

/** One place to try: a TCP host, or a directory that holds a Unix socket. */
export interface HostAddress {
  /** Host name or address as written, or the absolute directory of a Unix socket. Shown in messages; names the certificate. */
  readonly host: string;
  /** Address to dial instead of looking `host` up (`hostaddr`). */
  readonly hostAddress: string | undefined;
  /** TCP port, or the number in the name of the socket file; 1 to 65535. */
  readonly port: number;
  /** Whether `host` is the directory of a Unix socket. */
  readonly isUnixSocket: boolean;
  /** Password for this place, from the connection string, PGPASSWORD or the password file. Never shown. */
  readonly password: string | undefined;
}

/** TLS settings. Paths are as libpq resolves them (defaults below ~/.postgresql); an undefined path means "not there". */
export interface TlsParameters {
  readonly mode: SslMode;
  readonly negotiation: 'postgres' | 'direct';
  /** File of CA certificates, or `system` for the trust store of Node. */
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  readonly revocationList: string | undefined;
  /** Whether the host name is sent in the ClientHello (`sslsni`). */
  readonly serverNameIndication: boolean;
  readonly minimumVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maximumVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined;
}

/** Everything that is needed to connect. Frozen. Holds secrets: show it with `describeConnection`, never whole. */
export interface ConnectionParameters {
  /** Places to try, in order. At least one. */
  readonly hosts: readonly HostAddress[];
  readonly user: string;
  /** Database for SQL connections; a physical walsender ignores it. */
  readonly database: string;
  readonly applicationName: string | undefined;
  /** `options` as given: command-line options for the server process. */
  readonly options: string | undefined;
  readonly clientEncoding: string | undefined;
  /** Milliseconds that one address may take until the connection is ready; 0 waits for ever. */
  readonly connectTimeoutMs: number;
  /** TCP keepalive: whether, and the idle time before the first probe in milliseconds (0 leaves it to the system). */
  readonly keepalive: boolean;
  readonly keepaliveIdleMs: number;
  readonly channelBinding: ChannelBinding;
  readonly tls: TlsParameters;
}
