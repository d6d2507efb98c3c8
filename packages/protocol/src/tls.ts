/**
 * From a plain socket to an encrypted one, as `sslmode` asks ("SSL Support" in the libpq chapter; fe-secure-openssl.c).
 *
 * A root certificate that is there is always used, so `require` with one checks the chain like `verify-ca`; only
 * `verify-full` looks at the name. Of the answer to SSLRequest exactly one byte is taken: more of them would be plain text
 * that somebody put in front of the encrypted stream (CVE-2021-23222), and an error at this point is not shown, since
 * nobody has vouched for who wrote it (CVE-2024-10977).
 */
import { readFile, stat } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import type { TlsParameters } from './connection-parameters.ts';
import { codeOf, describeCause } from './dial.ts';
import { TlsError } from './errors.ts';
import { sslRequest } from './frontend-messages.ts';
import type { SocketReader } from './socket-reader.ts';

const alpnProtocol = 'postgresql';
const brokenNetwork: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * Asks the server whether it speaks TLS.
 * @returns false when it does not. @throws {TlsError} when it answers with anything but one byte S or N; signal.reason.
 */
export async function requestTls(reader: SocketReader, signal: AbortSignal): Promise<boolean> {
  const answer = await readAnswer(reader, signal);
  if (answer.length === 1 && answer[0] === 0x4e) return false;
  if (answer.length === 1 && answer[0] === 0x53) return true;
  if (answer[0] === 0x53) throw new TlsError('received unencrypted data after the answer to the TLS request');
  throw new TlsError('the server answered the TLS request with neither yes nor no', {
    hint: 'Look into the log of the server: it could not serve the connection, or it is not PostgreSQL.',
    retry: 'retry',
  });
}

/**
 * Encrypts a connected socket and checks the server's certificate as far as the parameters ask for it.
 * @param host the name that the certificate must be made out to, for `verify-full`.
 * @throws {TlsError} when that fails; signal.reason when aborted.
 */
export async function encrypt(
  socket: Socket,
  host: string,
  parameters: TlsParameters,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const options = await secureOptions(host, parameters);
  signal.throwIfAborted();
  const secured = startTls({ ...options, socket });
  const onAbort = (): void => void secured.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await secureConnection(secured);
  } catch (cause) {
    secured.destroy();
    signal.throwIfAborted();
    throw handshakeError(cause, host);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  if (parameters.negotiation === 'direct' && secured.alpnProtocol !== alpnProtocol) {
    secured.destroy();
    throw new TlsError('the server did not agree on the PostgreSQL protocol in the TLS handshake', {
      hint: 'Direct negotiation needs PostgreSQL 17 or later; use sslnegotiation=postgres.',
    });
  }
  return secured;
}

function startTls(options: tls.ConnectionOptions): tls.TLSSocket {
  try {
    return tls.connect(options).on('error', () => {});
  } catch (cause) {
    throw new TlsError(`could not use the TLS settings: ${codeOf(cause)}`, {
      hint: 'Check that the certificate files are PEM, that the key belongs to the certificate, and sslpassword.',
      cause,
    });
  }
}

async function secureOptions(host: string, parameters: TlsParameters): Promise<tls.ConnectionOptions> {
  const trusted = await trustedRoots(parameters);
  const needsRoot = parameters.mode === 'verify-ca' || parameters.mode === 'verify-full';
  if (trusted === undefined && needsRoot) {
    throw new TlsError(`sslmode ${parameters.mode} needs a root certificate, and there is none`, {
      hint: 'Name the certificate of your CA with sslrootcert, put it in ~/.postgresql/root.crt, or use sslrootcert=system.',
    });
  }
  return {
    ...trusted,
    ...(await clientCertificate(parameters)),
    ALPNProtocols: [alpnProtocol],
    minVersion: parameters.minimumVersion,
    ...(parameters.maximumVersion === undefined ? {} : { maxVersion: parameters.maximumVersion }),
    ...(parameters.serverNameIndication && isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: trusted !== undefined,
    checkServerIdentity: (_name, certificate) =>
      parameters.mode === 'verify-full' ? tls.checkServerIdentity(host, certificate) : undefined,
  };
}

async function trustedRoots(parameters: TlsParameters): Promise<tls.SecureContextOptions | undefined> {
  if (parameters.rootCertificate === undefined) return undefined;
  const crl = parameters.revocationList === undefined ? {} : { crl: await readPem('revocation list', parameters.revocationList) };
  if (parameters.rootCertificate === 'system') return crl;
  return { ca: await readPem('root certificate', parameters.rootCertificate), ...crl };
}

async function clientCertificate(parameters: TlsParameters): Promise<tls.SecureContextOptions> {
  if (parameters.certificate === undefined) return {};
  if (parameters.key === undefined) {
    throw new TlsError(`there is a client certificate "${parameters.certificate}" but no private key for it`, {
      hint: 'Name the key with sslkey or put it in ~/.postgresql/postgresql.key.',
    });
  }
  await checkKeyPermissions(parameters.key);
  return {
    cert: await readPem('client certificate', parameters.certificate),
    key: await readPem('private key', parameters.key),
    ...(parameters.keyPassword === undefined ? {} : { passphrase: parameters.keyPassword }),
  };
}

/** As libpq: nobody but the owner may read a key, or its group when it belongs to root. */
async function checkKeyPermissions(path: string): Promise<void> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new TlsError(`could not read private key "${path}": ${describeCause(cause)}`, { cause });
  });
  if ((facts.mode & (facts.uid === 0 ? 0o037 : 0o077)) === 0) return;
  throw new TlsError(`private key "${path}" can be read by group or others`, {
    hint: `Run: chmod 0600 ${path} (0640 if root owns it).`,
  });
}

async function readPem(what: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TlsError(`could not read ${what} "${path}": ${describeCause(cause)}`, { cause });
  }
}

function secureConnection(socket: tls.TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed during the handshake')));
  });
}

function handshakeError(cause: unknown, host: string): TlsError {
  const code = codeOf(cause);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new TlsError(`the certificate of the server is not made out to "${host}"`, {
      hint: 'Connect by a name that is in the certificate (host, with hostaddr for the address), or have one made for this name.',
      cause,
    });
  }
  return new TlsError(`TLS handshake failed: ${code}`, {
    hint: brokenNetwork.has(code)
      ? undefined
      : 'Check that sslrootcert names the CA that signed the certificate of the server, and that both sides share a TLS version.',
    retry: brokenNetwork.has(code) ? 'retry' : 'fatal',
    cause,
  });
}

/** Asks, and gives the bytes that come back. */
async function readAnswer(reader: SocketReader, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted();
  const onAbort = (): void => void reader.socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    reader.socket.write(sslRequest());
    const answer = await reader.read();
    if (answer !== undefined) return answer;
  } catch (cause) {
    signal.throwIfAborted();
    throw new TlsError(`TLS request failed: ${describeCause(cause)}`, { cause, retry: 'retry' });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  signal.throwIfAborted();
  throw new TlsError('the server closed the connection at the TLS request', { retry: 'retry' });
}
