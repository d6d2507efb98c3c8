/**
 * What the connection parameters demand of the server before we answer it, and before we take its "ok": `require_auth`,
 * `channel_binding=require`, `sslcertmode=require` (fe-auth.c, check_expected_areq). A server that asks for less than was demanded
 * may be another one than was meant.
 */
import type { TLSSocket } from 'node:tls';
import type { AuthenticationMethod, ConnectionParameters } from './connection-parameters.ts';
import { AuthenticationError } from './errors.ts';

/** The parameters that demand something. */
export type DemandingParameters = Pick<ConnectionParameters, 'channelBinding' | 'requiredAuthentication' | 'tls'>;

/** How far authentication had come when the server said "ok". */
export interface AuthenticationEnd {
  /** Whether a password was asked for and proved. */
  readonly isComplete: boolean;
  /** Whether the proof was bound to the TLS channel. */
  readonly isBound: boolean;
  readonly tls: TLSSocket | undefined;
}

const requests: Readonly<Record<Exclude<AuthenticationMethod, 'none'>, string>> = {
  password: 'the server asks for the password in clear',
  md5: 'the server asks for an MD5 hash of the password',
  'scram-sha-256': 'the server asks for SCRAM',
};

/** Checks that a request of the server may be answered. @throws {AuthenticationError} */
export function demandMethod(method: keyof typeof requests, isBound: boolean, parameters: DemandingParameters): void {
  const required = parameters.requiredAuthentication;
  if (required !== undefined && !required.methods.has(method)) throw unmet(required.text, requests[method]);
  if (!isBound) demandNoBinding(parameters);
}

/** Checks that the server's "ok" may be taken. @throws {AuthenticationError} */
export function demandEnd({ isComplete, isBound, tls }: AuthenticationEnd, parameters: DemandingParameters): void {
  const required = parameters.requiredAuthentication;
  if (!isComplete && required !== undefined && !required.methods.has('none')) {
    throw unmet(required.text, 'the server lets everybody in');
  }
  if (!isBound) demandNoBinding(parameters);
  if (parameters.tls.mustSendCertificate && !hasAskedForCertificate(tls)) {
    throw new AuthenticationError('sslcertmode is "require", but the server did not ask for a client certificate', {
      hint: 'Set ssl_ca_file on the server, and "hostssl ... clientcert=verify-full" or "cert" in its pg_hba.conf; or use sslcertmode=allow.',
    });
  }
}

function demandNoBinding({ channelBinding }: DemandingParameters): void {
  if (channelBinding !== 'require') return;
  throw new AuthenticationError('channel_binding is required, but the server does not authenticate with it', {
    hint: 'It needs TLS and a password stored as scram-sha-256; or use channel_binding=prefer.',
  });
}

/** OpenSSL knows common algorithms of signatures only on the side that was asked to sign: after a CertificateRequest. */
function hasAskedForCertificate(tls: TLSSocket | undefined): boolean {
  return tls !== undefined && tls.getSharedSigalgs().length > 0;
}

function unmet(text: string, what: string): AuthenticationError {
  return new AuthenticationError(`authentication method requirement "${text}" failed: ${what}`, {
    hint: 'Give this user a line with that method in pg_hba.conf of the server, or allow the other one in require_auth.',
  });
}
