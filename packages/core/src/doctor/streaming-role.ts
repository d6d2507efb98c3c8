/** What the server knows of the role that streams. Who is refused is not told why; whoever is let in can look. */
import type { SqlConnection } from '@walvault/protocol';

/** A row of pg_roles. */
export interface RoleRow {
  readonly name: string;
  readonly isSuperuser: boolean;
  readonly mayLogin: boolean;
  readonly mayReplicate: boolean;
  /** Number of connections that the role may have; -1 for no limit. */
  readonly connectionLimit: number;
  /** Whether its password has expired. */
  readonly isExpired: boolean;
}

const query = `SELECT rolsuper, rolcanlogin, rolreplication, rolconnlimit, COALESCE(rolvaliduntil < pg_catalog.now(), false) AS expired
FROM pg_catalog.pg_roles WHERE rolname = $1`;

/** The role of this name; undefined when the server has none. @throws {ServerError} */
export async function readRole(connection: SqlConnection, name: string): Promise<RoleRow | undefined> {
  const [row] = await connection.query(query, [name]);
  if (row === undefined) return undefined;
  return {
    name,
    isSuperuser: row['rolsuper'] === 't',
    mayLogin: row['rolcanlogin'] === 't',
    mayReplicate: row['rolreplication'] === 't',
    connectionLimit: Number(row['rolconnlimit']),
    isExpired: row['expired'] === 't',
  };
}
