/**
 * The SQLite file of figures and events. It belongs to one process, which locks it; what was committed survives a kill at any moment,
 * and of a loss of power at most the last seconds are gone.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { WebStatusError } from '../errors.ts';
import { historyMetrics } from '../schema/history.ts';

/** 'wvst', in the header of the file. */
const applicationId = 0x77767374;
const schemaVersion = 1;

/** SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CORRUPT and SQLITE_NOTADB ("Result and Error Codes" in the SQLite manual). */
const codes = { busy: 5, locked: 6, corrupt: 11, notADatabase: 26 };

const fineColumns = historyMetrics.map((metric) => `${metric} REAL`).join(', ');
const coarseColumns = historyMetrics
  .flatMap((metric) => ['least', 'mean', 'most'].map((of) => `${metric}_${of} REAL`))
  .join(', ');

const schema = `
  CREATE TABLE IF NOT EXISTS server (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seen TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS fine (server INTEGER NOT NULL, at INTEGER NOT NULL, ${fineColumns}, PRIMARY KEY (server, at)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS coarse (server INTEGER NOT NULL, at INTEGER NOT NULL, ${coarseColumns}, PRIMARY KEY (server, at)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,
    message TEXT NOT NULL, code TEXT, hint TEXT, lsn TEXT, timeline INTEGER) STRICT;
  CREATE INDEX IF NOT EXISTS event_of_server ON event (server, id);`;

/** An open file. Synchronous, as node:sqlite is; nothing here takes long. */
export class HistoryFile implements Disposable {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  readonly #servers = new Map<string, number>();

  /**
   * Opens the file, and makes it if it is not there.
   * @param path `:memory:` for none
   * @throws {WebStatusError} `ERR_HISTORY_FILE`, `ERR_HISTORY_DAMAGED`, `ERR_HISTORY_IN_USE`
   */
  constructor(path: string) {
    this.#path = path;
    this.#database = opened(path);
  }

  /** All rows of a query. @throws {WebStatusError} */
  rows(sql: string, ...parameters: readonly SQLInputValue[]): readonly Readonly<Record<string, unknown>>[] {
    try {
      return this.#prepared(sql).all(...parameters);
    } catch (error) {
      throw historyError(this.#path, 'read', error);
    }
  }

  /** Runs a statement. */
  run(sql: string, ...parameters: readonly SQLInputValue[]): void {
    this.#prepared(sql).run(...parameters);
  }

  /** All of it, or, when it throws, nothing. */
  atOnce<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const value = work();
      this.#database.exec('COMMIT');
      return value;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** The number under which a server is kept. */
  serverId(name: string): number {
    const known = this.#servers.get(name);
    if (known !== undefined) return known;
    this.run('INSERT INTO server (name) VALUES (?) ON CONFLICT DO NOTHING', name);
    const id = Number(this.rows('SELECT id FROM server WHERE name = ?', name)[0]?.['id']);
    this.#servers.set(name, id);
    return id;
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function opened(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 1000 });
    requireOurs(database, path);
    // The lock is taken with the first write and kept; with it a write-ahead log needs no shared memory, which file servers do not have.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216',
    );
    database.exec(
      `BEGIN IMMEDIATE; ${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`,
    );
    addNewMetrics(database);
    return database;
  } catch (error) {
    if (database?.isOpen === true) database.close();
    throw error instanceof WebStatusError ? error : historyError(path, 'opened', error);
  }
}

function requireOurs(database: DatabaseSync, path: string): void {
  const pragma = (name: string): number => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  if (isEmpty || (pragma('application_id') === applicationId && pragma('user_version') <= schemaVersion)) return;
  throw notOurs(path, 'was made by something else, or by a newer version');
}

/** A version that keeps more figures adds them to a file that has less. */
function addNewMetrics(database: DatabaseSync): void {
  for (const [table, columns] of [
    ['fine', fineColumns],
    ['coarse', coarseColumns],
  ] as const) {
    const known = new Set(
      database
        .prepare(`PRAGMA table_info(${table})`)
        .all()
        .map((row) => row['name']),
    );
    for (const column of columns.split(', '))
      if (!known.has(column.split(' ')[0] ?? '')) database.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`);
  }
}

function historyError(path: string, done: 'opened' | 'read', error: unknown): WebStatusError {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  if (code === codes.busy || code === codes.locked) {
    return new WebStatusError('ERR_HISTORY_IN_USE', `another process uses the history "${path}"`, {
      retry: 'retry',
      hint: 'End the other walvault-web-status, or give this one a file of its own by --history.',
      cause: error,
    });
  }
  const words = `cannot be ${done}: ${error instanceof Error ? error.message : String(error)}`;
  if (code !== codes.corrupt && code !== codes.notADatabase) return notOurs(path, words, error);
  return new WebStatusError('ERR_HISTORY_DAMAGED', `the history "${path}" ${words}`, {
    hint: 'End walvault-web-status, move the file away, and start again: a new history begins. Nothing of the archive depends on it.',
    cause: error,
  });
}

function notOurs(path: string, problem: string, cause?: unknown): WebStatusError {
  return new WebStatusError('ERR_HISTORY_FILE', `the history "${path}" ${problem}`, {
    hint: 'Move it away, or name another file by --history. Nothing of the archive depends on it.',
    cause,
  });
}
