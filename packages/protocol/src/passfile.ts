/**
 * The password file (libpq.sgml, "The Password File"; fe-connect.c, passwordFromFile): lines of `host:port:database:user:password`.
 * The first line that matches counts. `*` alone matches everything; `\:` and `\\` stand for the character behind the backslash.
 *
 * A file that others can read is not used, as in libpq: a password that everybody knows would only seem to protect something.
 */
import { readFile, stat } from 'node:fs/promises';
import { type Logger, silentLogger } from '@walvault/wal';

/** Whom a password is for, as the first four fields of a line name it. */
export interface PasswordOwner {
  /** Host as written; `localhost` for the default directory of Unix sockets. */
  readonly host: string;
  readonly port: number;
  /** Database, or `replication` for a replication connection. */
  readonly database: string;
  readonly user: string;
}

/** The lines of a password file, in their order. Holds secrets. */
export type Passfile = readonly PassfileLine[];

interface PassfileLine {
  /** Host, port, database and user; undefined matches everything. */
  readonly patterns: readonly (string | undefined)[];
  readonly password: string;
}

/**
 * Reads a password file. A file that is not there is empty; one that cannot be used is empty too and a warning says why.
 * @param path absolute path of the file.
 */
export async function readPassfile(path: string, log: Logger = silentLogger): Promise<Passfile> {
  try {
    const facts = await stat(path);
    const objection = objectionTo(facts.isFile(), facts.mode);
    if (objection === undefined) return parsePassfile(await readFile(path, 'utf8'));
    log.warn({ path }, `password file "${path}" is not used: ${objection}`);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') log.warn({ path, code }, `password file "${path}" cannot be read: ${code}`);
  }
  return [];
}

/** Takes the text of a password file apart. Comments, and lines with fewer than five fields, match nothing. */
export function parsePassfile(text: string): Passfile {
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('#')) return [];
    const [host, port, database, user, password] = splitFields(line.replace(/\r+$/, ''));
    if (host === undefined || port === undefined || database === undefined || user === undefined || password === undefined)
      return [];
    return [{ patterns: [host, port, database, user].map(toPattern), password: unescape(password) }];
  });
}

/** The password of the first line that matches, or undefined. An empty password counts as none. */
export function findPassword(passfile: Passfile, owner: PasswordOwner): string | undefined {
  const wanted = [owner.host, String(owner.port), owner.database, owner.user];
  const line = passfile.find(({ patterns }) =>
    patterns.every((pattern, field) => pattern === undefined || pattern === wanted[field]),
  );
  return line?.password === '' ? undefined : line?.password;
}

function objectionTo(isFile: boolean, mode: number): string | undefined {
  if (!isFile) return 'it is not a plain file';
  if (process.platform === 'win32' || (mode & 0o077) === 0) return undefined;
  return 'it has group or world access; permissions should be u=rw (0600) or less';
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Splits at colons that no backslash stands before; the backslashes stay. */
function splitFields(line: string): string[] {
  const fields = [''];
  for (const [piece] of line.matchAll(/\\?[^]/gu)) {
    if (piece === ':') fields.push('');
    else fields.push(`${fields.pop() ?? ''}${piece}`);
  }
  return fields;
}

function toPattern(field: string): string | undefined {
  return field === '*' ? undefined : unescape(field);
}

function unescape(field: string): string {
  return field.replaceAll(/\\([^])/gu, '$1');
}
