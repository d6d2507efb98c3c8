/**
 * The TLS side of a test server: puts certificate and key where the server reads them, with the rights it demands.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority } from './certificates.ts';
import { writeServerFile } from './copy-cluster.ts';
import type { Settings } from './server-settings.ts';

/** What a server shows of itself, and what it accepts from clients; all PEM texts. */
export interface ServerTls {
  /** The server's certificate, followed by intermediate ones if there are any. */
  readonly certificate: string;
  readonly privateKey: string;
  /** The authority that signed it; the server asks clients for certificates of the same authority where pg_hba.conf says so. */
  readonly authority?: string | undefined;
}

/** Writes the files of the server's TLS side into a directory; the settings that name them, and the authority's file for clients. */
export async function writeServerTls(
  directory: string,
  tls: true | ServerTls,
): Promise<{ settings: Settings; authorityFile: string }> {
  const { certificate, privateKey, authority } = tls === true ? ownTls() : tls;
  const inDirectory = (name: string) => join(directory, name);
  writeServerFile(inDirectory('server.crt'), certificate);
  writeServerFile(inDirectory('server.key'), privateKey);
  await writeFile(inDirectory('authority.crt'), authority ?? certificate);
  const files = { ssl_cert_file: inDirectory('server.crt'), ssl_key_file: inDirectory('server.key') };
  const clients = authority === undefined ? {} : { ssl_ca_file: inDirectory('authority.crt') };
  return { settings: { ssl: true, ...files, ...clients }, authorityFile: inDirectory('authority.crt') };
}

function ownTls(): ServerTls {
  const authority = createAuthority();
  return { ...authority.issue({ commonName: 'localhost', names: ['localhost', '127.0.0.1'] }), authority: authority.certificate };
}
