/**
 * From a plain socket to an encrypted one, as `sslmode` asks ("SSL Support" in the libpq chapter; fe-secure-openssl.c).
 *
 * A root certificate that is there is always used, so `require` with one checks the chain like `verify-ca`; only
 * `verify-full` looks at the name. Of the answer to SSLRequest exactly one byte is taken: more of them would be plain text
 * that somebody put in front of the encrypted stream (CVE-2021-23222), and an error at this point is not shown, since
 * nobody has vouched for who wrote it (CVE-2024-10977).
 */
import type { Socket } from 'node:net';
import tls from 'node:tls';
import type { TlsParameters } from './connection-parameters.ts';
import { describeCause } from './describe-cause.ts';
import { TlsError } from './errors.ts';
import { sslRequest } from './frontend-messages.ts';
import type { SocketReader } from './socket-reader.ts';
import { handshakeError, settingsError } from './tls-errors.ts';
import { openKeyLog } from './tls-key-log.ts';
import { alpnProtocol, secureOptions } from './tls-options.ts';

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
  using keyLog = openKeyLog(parameters.keyLogFile);
  signal.throwIfAborted();
  const secured = startTls({ ...options, socket }).on('keylog', keyLog.write);
  const onAbort = (): void => void secured.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await secureConnection(secured);
  } catch (cause) {
    secured.destroy();
    signal.throwIfAborted();
    throw handshakeError(cause, { host, parameters });
  } finally {
    secured.off('keylog', keyLog.write);
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

/** Begins the handshake. An error that comes while nobody listens does not end the process. */
function startTls(options: tls.ConnectionOptions): tls.TLSSocket {
  try {
    return tls.connect(options).on('error', () => {});
  } catch (cause) {
    throw settingsError(cause);
  }
}

function secureConnection(socket: tls.TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed during the handshake')));
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
