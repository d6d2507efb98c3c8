/**
 * The `ssl*` parameters (libpq.sgml, "SSL Support"). Files that are not named are looked for below ~/.postgresql and used when they
 * are there. What a named file holds is for the one who opens it.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ConninfoError } from './conninfo-error.ts';
import type { ConninfoKeyword } from './conninfo-keywords.ts';
import type { SslMode, TlsParameters } from './connection-parameters.ts';
import type { ConnectionSettings } from './connection-settings.ts';

const sslModes: readonly SslMode[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
const weakModes: readonly SslMode[] = ['disable', 'allow', 'prefer'];
const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
type TlsVersion = (typeof tlsVersions)[number];

/**
 * Reads the TLS settings.
 * @throws {ConninfoError} on values that are not allowed, alone or together.
 */
export async function resolveTls(settings: ConnectionSettings, homeDirectory: string): Promise<TlsParameters> {
  const file = (keyword: ConninfoKeyword, name: string): Promise<string | undefined> =>
    namedOrDefault(settings.text(keyword), join(homeDirectory, '.postgresql', name));
  const rootCertificate = await file('sslrootcert', 'root.crt');
  const certificateMode = settings.choice('sslcertmode', ['disable', 'allow', 'require'], 'allow');
  const sendsCertificate = certificateMode !== 'disable';
  const revocationDirectory = settings.text('sslcrldir');
  const mode = resolveMode(settings, rootCertificate === 'system');
  return Object.freeze({
    mode,
    negotiation: resolveNegotiation(settings, mode),
    rootCertificate,
    certificate: sendsCertificate ? await file('sslcert', 'postgresql.crt') : undefined,
    key: sendsCertificate ? (resolveKey(settings) ?? (await file('sslkey', 'postgresql.key'))) : undefined,
    keyPassword: settings.text('sslpassword'),
    mustSendCertificate: certificateMode === 'require',
    revocationList: revocationDirectory === undefined ? await file('sslcrl', 'root.crl') : settings.text('sslcrl'),
    revocationDirectory,
    keyLogFile: settings.text('sslkeylogfile'),
    serverNameIndication: settings.choice('sslsni', ['0', '1'], '1') === '1',
    ...resolveVersions(settings),
  });
}

/** The CAs of the system vouch for any name, so only the check of the name protects: `system` makes verify-full the default. */
function resolveMode(settings: ConnectionSettings, isSystemRoot: boolean): SslMode {
  const mode = settings.choice('sslmode', sslModes, isSystemRoot ? 'verify-full' : 'prefer');
  if (isSystemRoot && mode !== 'verify-full') {
    throw weak(
      `sslmode "${mode}" may not be used with sslrootcert=system`,
      'Use sslmode=verify-full, or name the file of your own CA by sslrootcert.',
    );
  }
  return mode;
}

function resolveNegotiation(settings: ConnectionSettings, mode: SslMode): TlsParameters['negotiation'] {
  const negotiation = settings.choice('sslnegotiation', ['postgres', 'direct'], 'postgres');
  if (negotiation === 'direct' && weakModes.includes(mode)) {
    throw weak(`sslmode "${mode}" may not be used with sslnegotiation=direct`, 'Use sslmode=require, verify-ca or verify-full.');
  }
  return negotiation;
}

/** A key that is named; `engine:id` names one in a hardware module. */
function resolveKey(settings: ConnectionSettings): string | undefined {
  const key = settings.text('sslkey');
  if (key !== undefined && /^(?!\/)[^/]{2,}:/.test(key)) {
    settings.refuseUnsupported(
      'sslkey',
      'Keys in OpenSSL engines cannot be used; name a file, with ./ before it if it has a colon.',
    );
  }
  return key;
}

function resolveVersions(settings: ConnectionSettings): Pick<TlsParameters, 'minimumVersion' | 'maximumVersion'> {
  const minimumVersion = resolveVersion(settings, 'ssl_min_protocol_version') ?? 'TLSv1.2';
  const maximumVersion = resolveVersion(settings, 'ssl_max_protocol_version');
  if (maximumVersion !== undefined && tlsVersions.indexOf(maximumVersion) < tlsVersions.indexOf(minimumVersion)) {
    settings.refuse('ssl_max_protocol_version', `It must not be below ssl_min_protocol_version, which is ${minimumVersion}.`);
  }
  return { minimumVersion, maximumVersion };
}

function resolveVersion(settings: ConnectionSettings, keyword: ConninfoKeyword): TlsVersion | undefined {
  const value = settings.text(keyword)?.toLowerCase();
  if (value === undefined) return undefined;
  return (
    tlsVersions.find((version) => version.toLowerCase() === value) ??
    settings.refuse(keyword, `Allowed values are ${tlsVersions.join(', ')}.`)
  );
}

async function namedOrDefault(named: string | undefined, path: string): Promise<string | undefined> {
  if (named !== undefined) return named;
  return access(path).then(
    () => path,
    () => undefined,
  );
}

function weak(problem: string, hint: string): ConninfoError {
  return new ConninfoError('ERR_INVALID_CONNINFO', `weak ${problem}`, { hint });
}
