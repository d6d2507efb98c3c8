/** The versions of the protocol that may be spoken (libpq.sgml, `min_protocol_version` and `max_protocol_version`). */
import type { ConninfoKeyword } from './conninfo-keywords.ts';
import type { ProtocolVersions } from './connection-parameters.ts';
import type { ConnectionSettings } from './connection-settings.ts';

const minorVersions = { '': undefined, '3.0': 0, '3.2': 2, latest: 2 } as const;

/**
 * Reads them. Without a word 3.0 is asked for, as by libpq 18: there are proxies that do not know how to say that they are older.
 * @throws {ConninfoError} on values that are not allowed, alone or together.
 */
export function resolveProtocol(settings: ConnectionSettings): ProtocolVersions {
  const minimumMinor = resolveVersion(settings, 'min_protocol_version') ?? 0;
  const maximumMinor = resolveVersion(settings, 'max_protocol_version') ?? minimumMinor;
  if (maximumMinor < minimumMinor) settings.refuse('max_protocol_version', 'It must not be below min_protocol_version.');
  return Object.freeze({ minimumMinor, maximumMinor });
}

function resolveVersion(settings: ConnectionSettings, keyword: ConninfoKeyword): number | undefined {
  const names = Object.keys(minorVersions) as (keyof typeof minorVersions)[];
  return minorVersions[settings.choice(keyword, names, '')];
}
