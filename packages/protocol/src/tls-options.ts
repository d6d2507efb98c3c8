/**
 * From the `ssl*` parameters to what Node needs for a handshake: reads the files, and refuses those that are unsafe or wrong before
 * anything is sent (fe-secure-openssl.c, initialize_SSL).
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import type { TlsParameters } from './connection-parameters.ts';
import { describeCause } from './describe-cause.ts';
import { TlsError } from './errors.ts';

/** The protocol that both sides name in the handshake, so that no other server can be put in the place of this one. */
export const alpnProtocol = 'postgresql';

/**
 * The options of a handshake with a server.
 * @param host the name that the certificate must be made out to, for `verify-full`.
 * @throws {TlsError} when a file cannot be read or may not be used.
 */
export async function secureOptions(host: string, parameters: TlsParameters): Promise<tls.ConnectionOptions> {
  const trusted = await trustedRoots(parameters);
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

/** A root certificate that is there is always used; without one nothing is checked, where the mode allows that. */
async function trustedRoots(parameters: TlsParameters): Promise<tls.SecureContextOptions | undefined> {
  const { rootCertificate, mode } = parameters;
  if (rootCertificate !== undefined) return { ca: await rootCertificates(rootCertificate), ...(await revocations(parameters)) };
  if (mode !== 'verify-ca' && mode !== 'verify-full') return undefined;
  throw new TlsError(`sslmode ${mode} needs a root certificate, and there is none`, {
    hint: 'Name the certificate of your CA with sslrootcert, put it in ~/.postgresql/root.crt, or use sslrootcert=system.',
  });
}

/** `system` is the store of the operating system, as for libpq, and not the one that Node brings. */
async function rootCertificates(path: string): Promise<Buffer | string[]> {
  if (path !== 'system') return await readRoots(path);
  const certificates = tls.getCACertificates('system');
  if (certificates.length > 0) return certificates;
  throw new TlsError('sslrootcert is "system", and the operating system has no root certificates', {
    hint: 'Install the package ca-certificates, name a file by SSL_CERT_FILE, or name the certificate of your CA by sslrootcert.',
  });
}

async function readRoots(path: string): Promise<Buffer> {
  const text = await readPem('root certificate', path);
  // OpenSSL as Node calls it takes a file without a certificate for an empty list.
  if (text.includes('-----BEGIN')) return text;
  throw new TlsError(`there is no certificate in root certificate file "${path}"`, {
    hint: 'Write it in PEM: openssl x509 -inform DER -in FILE.',
  });
}

async function revocations({ revocationList, revocationDirectory }: TlsParameters): Promise<tls.SecureContextOptions> {
  const paths = revocationList === undefined ? [] : [revocationList];
  if (revocationDirectory !== undefined) paths.push(...(await hashedFiles(revocationDirectory)));
  const lists = await Promise.all(paths.map(readRevocations));
  return paths.length === 0 ? {} : { crl: lists.flat() };
}

/** The files that OpenSSL would look for in a directory of revocation lists: a hash of the issuer's name, and a number. */
async function hashedFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new TlsError(`could not read directory of revocation lists "${directory}": ${describeCause(cause)}`, { cause });
  });
  const hashed = names.filter((name) => /^[0-9a-f]{8}\.r\d+$/.test(name));
  if (hashed.length > 0) return hashed.map((name) => join(directory, name));
  throw new TlsError(`there is no revocation list in directory "${directory}"`, {
    hint: `Prepare it with: openssl rehash ${directory}`,
  });
}

/** The lists in a file, one by one: OpenSSL as Node calls it takes only the first of a text. */
async function readRevocations(path: string): Promise<readonly string[]> {
  const text = (await readPem('revocation list', path)).toString('latin1');
  const lists = text.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g);
  if (lists !== null) return lists;
  throw new TlsError(`there is no revocation list in "${path}"`, { hint: 'Write it in PEM: openssl crl -inform DER -in FILE.' });
}

async function clientCertificate(parameters: TlsParameters): Promise<tls.SecureContextOptions> {
  const { certificate, key, keyPassword, mustSendCertificate } = parameters;
  if (certificate === undefined) {
    if (!mustSendCertificate) return {};
    throw new TlsError('sslcertmode is "require", and there is no client certificate', {
      hint: 'Name the certificate with sslcert or put it in ~/.postgresql/postgresql.crt.',
    });
  }
  if (key === undefined) {
    throw new TlsError(`there is a client certificate "${certificate}" but no private key for it`, {
      hint: 'Name the key with sslkey or put it in ~/.postgresql/postgresql.key.',
    });
  }
  await checkKeyPermissions(key);
  return {
    cert: await readPem('client certificate', certificate),
    key: await readPem('private key', key),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
  };
}

/** As libpq: nobody but the owner may read a key, or its group when it belongs to root. */
async function checkKeyPermissions(path: string): Promise<void> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new TlsError(`could not read private key "${path}": ${describeCause(cause)}`, { cause });
  });
  if (process.platform === 'win32' || (facts.mode & (facts.uid === 0 ? 0o037 : 0o077)) === 0) return;
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
