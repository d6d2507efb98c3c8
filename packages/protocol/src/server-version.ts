/** Server versions as one number, as libpq's PQserverVersion gives them: 18.4 is 180004, 9.6.24 is 90624. */

/** The oldest server that can be talked to: SHOW on a walsender came with PostgreSQL 10. */
export const oldestServerVersion = 100_000;

/**
 * Reads `server_version` (`18.4`, `14.23 (Debian 14.23-1)`, `19beta1`, `9.6.24`).
 * @returns undefined when the text does not start with a version.
 */
export function parseServerVersion(text: string): number | undefined {
  const match = /^(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?/.exec(text);
  if (match === null) return undefined;
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return major >= 10 ? major * 10_000 + minor : major * 10_000 + minor * 100 + patch;
}

/** The major version of a version number: 18 for 180004. For servers before 10 it is not the whole name. */
export function majorVersionOf(serverVersion: number): number {
  return Math.floor(serverVersion / 10_000);
}
