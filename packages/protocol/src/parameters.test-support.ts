/** Connection parameters for tests: TCP to this machine, no TLS, no password, unless said otherwise. */
import type { ConnectionParameters, HostAddress, TlsParameters } from './connection-parameters.ts';

export interface TestParameters extends Partial<Omit<ConnectionParameters, 'hosts' | 'tls'>> {
  readonly port: number;
  readonly host?: string | undefined;
  readonly hostAddress?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: Partial<TlsParameters> | undefined;
  /** Places to try before the one that the other fields name. */
  readonly hostsBefore?: readonly HostAddress[] | undefined;
}

export function testParameters(given: TestParameters): ConnectionParameters {
  const { port, host, hostAddress, password, tls, hostsBefore, ...others } = given;
  return {
    hosts: [...(hostsBefore ?? []), testHost({ port, host, hostAddress, password })],
    inRandomOrder: false,
    targetSession: 'any',
    user: 'postgres',
    database: 'postgres',
    applicationName: 'protocol-test',
    options: undefined,
    connectTimeoutMs: 20_000,
    keepalive: true,
    keepaliveIdleMs: 0,
    keepaliveIntervalMs: 0,
    keepaliveCount: 0,
    userTimeoutMs: 0,
    requiredPeer: undefined,
    protocol: { minimumMinor: 0, maximumMinor: 0 },
    channelBinding: 'prefer',
    requiredAuthentication: undefined,
    scramKeys: { clientKey: undefined, serverKey: undefined },
    ...others,
    tls: {
      mode: 'disable',
      negotiation: 'postgres',
      rootCertificate: undefined,
      certificate: undefined,
      key: undefined,
      keyPassword: undefined,
      mustSendCertificate: false,
      revocationList: undefined,
      revocationDirectory: undefined,
      keyLogFile: undefined,
      serverNameIndication: true,
      minimumVersion: 'TLSv1.2',
      maximumVersion: undefined,
      ...tls,
    },
  };
}

export function testHost(given: Pick<TestParameters, 'port' | 'host' | 'hostAddress' | 'password'>): HostAddress {
  const host = given.host ?? '127.0.0.1';
  return {
    host,
    hostAddress: given.hostAddress,
    port: given.port,
    isUnixSocket: host.startsWith('/'),
    password: given.password,
  };
}
