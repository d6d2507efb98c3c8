/**
 * Failures of TLS in words. OpenSSL names them by codes, which stay in the message for those who look them up; what an operator
 * needs beside them is which side is wrong, and what to do there.
 */
import type { TlsParameters } from './connection-parameters.ts';
import { codeOf } from './describe-cause.ts';
import { TlsError } from './errors.ts';

interface Explanation {
  readonly problem: string;
  readonly hint?: string | undefined;
}

/** What a handshake was about. */
interface Handshake {
  readonly host: string;
  readonly parameters: TlsParameters;
}

const brokenNetwork: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

const unknownIssuer: Explanation = {
  problem: 'the certificate of the server is not signed by a CA that is trusted here',
  hint: 'Check that sslrootcert names the CA that signed it, and that the server sends the certificates between.',
};
const versions: Explanation = { problem: 'the server and this side have no TLS version in common' };
const clientRefused: Explanation = {
  problem: 'the server does not accept the client certificate, or misses one',
  hint: 'Check sslcert and sslkey, and that ssl_ca_file of the server has the CA that signed the certificate.',
};
const renew = 'Have it renewed, and check the clocks of both machines.';

const explanations: Readonly<Record<string, Explanation>> = {
  CERT_HAS_EXPIRED: { problem: 'the certificate of the server has expired', hint: renew },
  CERT_NOT_YET_VALID: { problem: 'the certificate of the server is not yet valid', hint: renew },
  CERT_REVOKED: {
    problem: 'the certificate of the server is revoked',
    hint: 'Have a new one made: the key of this one may be known to others.',
  },
  CRL_HAS_EXPIRED: { problem: 'the revocation list has expired', hint: 'Get the newest one of the CA for sslcrl or sslcrldir.' },
  UNABLE_TO_GET_CRL: {
    problem: 'there is no revocation list of the CA that signed the certificate of the server',
    hint: 'sslcrl and sslcrldir must hold a list of each CA in the chain.',
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  INVALID_PURPOSE: {
    problem: 'the certificate of the server is not made for servers',
    hint: 'Have one made for the usage serverAuth.',
  },
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: versions,
  ERR_SSL_UNSUPPORTED_PROTOCOL: versions,
  ERR_SSL_WRONG_VERSION_NUMBER: {
    problem: 'the server did not answer with TLS',
    hint: 'Check that PostgreSQL itself listens on that port; direct negotiation needs PostgreSQL 17.',
  },
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: {
    problem: 'the server does not speak the PostgreSQL protocol under TLS',
    hint: 'Check that PostgreSQL itself listens on that port.',
  },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: clientRefused,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: clientRefused,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: clientRefused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: clientRefused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: clientRefused,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: clientRefused,
  ERR_OSSL_BAD_DECRYPT: {
    problem: 'the private key is encrypted, and its password is wrong or missing',
    hint: 'Give the password of the key by sslpassword.',
  },
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: {
    problem: 'the private key does not belong to the client certificate',
    hint: 'Name the two that were made together by sslcert and sslkey.',
  },
  ERR_OSSL_PEM_NO_START_LINE: { problem: 'the client certificate is not in PEM' },
  ERR_OSSL_UNSUPPORTED: { problem: 'the private key is not in PEM, or of a kind that is not supported' },
};

/** The error for settings that OpenSSL did not take, before anything was sent. */
export function settingsError(cause: unknown): TlsError {
  const explanation = explanations[codeOf(cause)];
  return new TlsError(`could not use the TLS settings: ${describe(explanation, cause)}`, {
    hint:
      explanation?.hint ?? 'Check that the certificate files are PEM, that the key belongs to the certificate, and sslpassword.',
    cause,
  });
}

/** The error for a handshake that failed. */
export function handshakeError(cause: unknown, { host, parameters }: Handshake): TlsError {
  const code = codeOf(cause);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new TlsError(`the certificate of the server is not made out to "${host}"`, {
      hint: 'Connect by a name that is in the certificate (host, with hostaddr for the address), or have one made for this name.',
      cause,
    });
  }
  const explanation = explanations[code];
  return new TlsError(`TLS handshake failed: ${describe(explanation, cause)}`, {
    hint: hintFor(code, explanation, parameters),
    retry: brokenNetwork.has(code) ? 'retry' : 'fatal',
    cause,
  });
}

function hintFor(code: string, explanation: Explanation | undefined, parameters: TlsParameters): string | undefined {
  if (brokenNetwork.has(code)) return undefined;
  if (explanation !== versions) {
    return explanation?.hint ?? 'Check the certificate of the server and sslrootcert; the log of the server may tell more.';
  }
  const { minimumVersion, maximumVersion = 'the newest' } = parameters;
  return `This side takes ${minimumVersion} to ${maximumVersion} (ssl_min_protocol_version, ssl_max_protocol_version); look at those of the server.`;
}

function describe(explanation: Explanation | undefined, cause: unknown): string {
  return explanation === undefined ? codeOf(cause) : `${explanation.problem} (${codeOf(cause)})`;
}
