/**
 * What a connection string, the environment, the service file and the password file come to in the end: one frozen
 * value that says where to connect, as whom, and how. Names and defaults are libpq's (libpq.sgml, "Parameter Key Words").
 */

/** How much encryption and checking is asked for (libpq `sslmode`). It does not apply to Unix sockets. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** Whether the SCRAM exchange must be, may be or must not be bound to the TLS channel (libpq `channel_binding`). */
export type ChannelBinding = 'disable' | 'prefer' | 'require';

/**
 * Which kind of server is looked for among the hosts (libpq `target_session_attrs`). `prefer-standby` takes a standby when there is
 * one, and any server otherwise.
 */
export type TargetSession = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby';

/** A way to log in, by the names of libpq's `require_auth`; `none` is trust, peer, ident or a client certificate. */
export type AuthenticationMethod = 'password' | 'md5' | 'scram-sha-256' | 'none';

/** What the server may ask for (libpq `require_auth`). Everything else is refused before it is answered. */
export interface RequiredAuthentication {
  /** The parameter as it was written, for messages. */
  readonly text: string;
  readonly methods: ReadonlySet<AuthenticationMethod>;
}

/** Keys that stand in for the password in SCRAM (libpq `scram_client_key`, `scram_server_key`); 32 bytes each. Never shown. */
export interface ScramKeys {
  readonly clientKey: Buffer | undefined;
  readonly serverKey: Buffer | undefined;
}

/** Minor versions of protocol 3 (libpq `min_protocol_version`, `max_protocol_version`): 0 and 2. */
export interface ProtocolVersions {
  readonly minimumMinor: number;
  readonly maximumMinor: number;
}

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
  /** File of CA certificates, or `system` for the trust store of the operating system. */
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  /** Whether the server must ask for the certificate, and so must have been able to check it (`sslcertmode=require`). */
  readonly mustSendCertificate: boolean;
  readonly revocationList: string | undefined;
  /** Directory of revocation lists, prepared by `openssl rehash` (`sslcrldir`). */
  readonly revocationDirectory: string | undefined;
  /** File to which the secrets of the TLS sessions are appended, for those who look into captured packets (`sslkeylogfile`). */
  readonly keyLogFile: string | undefined;
  /** Whether the host name is sent in the ClientHello (`sslsni`). */
  readonly serverNameIndication: boolean;
  readonly minimumVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maximumVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined;
}

/** Everything that is needed to connect. Frozen. Holds secrets: show it with `describeConnection`, never whole. */
export interface ConnectionParameters {
  /** Places to try, in order. At least one. */
  readonly hosts: readonly HostAddress[];
  /** Whether the places, and the addresses of each, are tried in random order instead (`load_balance_hosts=random`). */
  readonly inRandomOrder: boolean;
  readonly targetSession: TargetSession;
  readonly user: string;
  /** Database for SQL connections; a physical walsender ignores it. */
  readonly database: string;
  readonly applicationName: string | undefined;
  /** `options` as given: command-line options for the server process. */
  readonly options: string | undefined;
  /** Milliseconds that one address may take until the connection is ready, TLS and authentication included; 0 waits for ever. */
  readonly connectTimeoutMs: number;
  /** TCP keepalive: whether; idle time before the first probe; time between probes; lost probes until the end. 0 leaves it to the system. */
  readonly keepalive: boolean;
  readonly keepaliveIdleMs: number;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveCount: number;
  /** Milliseconds that what we have sent may stay unacknowledged until the connection is given up; 0 leaves it to the system. */
  readonly userTimeoutMs: number;
  /** The operating system's user that a server behind a Unix socket must run as (`requirepeer`). */
  readonly requiredPeer: string | undefined;
  readonly protocol: ProtocolVersions;
  readonly channelBinding: ChannelBinding;
  readonly requiredAuthentication: RequiredAuthentication | undefined;
  readonly scramKeys: ScramKeys;
  readonly tls: TlsParameters;
}
