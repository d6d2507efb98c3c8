/**
 * The SQLite file under the catalogue: opened, recognised, read and written with errors that say what to do.
 *
 * The journal is a rollback journal that is truncated at each commit (journal_mode = TRUNCATE, synchronous = FULL). A
 * write-ahead log of SQLite would save a sync a commit, but it needs shared memory that network file systems do not have, and
 * two files more without which a catalogue on read-only media cannot be read. DELETE would let a commit come undone at a power
 * cut, since only EXTRA syncs the directory. Readers hold the file only as long as one query runs, so writers do not wait for them
 * long, nor they for the writers.
 *
 * `rebuild-catalog` puts a new file in place while others may have the old one open. A writer therefore looks, once it has the
 * lock, whether the path still leads to the file it has open, and goes over to the new one if not.
 */
import { closeSync, openSync, statSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { errnoOf } from '@walvault/durable-fs';
import { CatalogError, guarded, readOnlyRollback, sqliteCode } from './errors.ts';
import { applicationId, schema, schemaVersion, tableNames } from './schema.ts';

/** Stands for a catalogue in memory in place of a path. */
export const memoryPath = ':memory:';

/** A value in a row, integers as bigint. */
export type Value = bigint | number | string | Uint8Array | null;

/** A row by column; integers come as bigint, reals as number. */
export type Row = Readonly<Record<string, Value>>;

/** How to open a catalogue. */
export interface CatalogOpenOptions {
  /** Nothing is made or changed; the file must be there. False unless given. */
  readonly readOnly?: boolean | undefined;
  /** How long to wait for another process in milliseconds; 5000 unless given. */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * For a file that is worth nothing until it is whole: no journal, and nothing is synced. Whoever puts it in place syncs it. False
   * unless given.
   */
  readonly inMaking?: boolean | undefined;
}

/** An open catalogue file. Synchronous, as node:sqlite is; nothing here takes long. */
export class CatalogDatabase implements Disposable {
  readonly path: string;
  readonly #options: CatalogOpenOptions;
  #database: DatabaseSync;
  #identity: string | undefined;
  #statements = new Map<string, StatementSync>();
  #isWriting = false;

  /**
   * Opens a catalogue, and makes it if it is not there.
   * @throws {CatalogError}
   */
  constructor(path: string, options: CatalogOpenOptions = {}) {
    this.path = path;
    this.#options = options;
    this.#database = open(path, options);
    this.#identity = identityOf(path);
  }

  /** All rows. @throws {CatalogError} */
  rows(sql: string, ...parameters: readonly SQLInputValue[]): readonly Row[] {
    return guarded(this.path, () => this.#prepared(sql).all(...parameters) as unknown as Row[]);
  }

  /** The first row, if there is one. @throws {CatalogError} */
  row(sql: string, ...parameters: readonly SQLInputValue[]): Row | undefined {
    return guarded(this.path, () => this.#prepared(sql).get(...parameters) as unknown as Row | undefined);
  }

  /** Changes something; inside of {@link transaction}. Gives the id of the row that was made last. */
  run(sql: string, ...parameters: readonly SQLInputValue[]): bigint {
    return guarded(this.path, () => BigInt(this.#prepared(sql).run(...parameters).lastInsertRowid));
  }

  /**
   * Does all of the work or none of it; when this returns, it is durable.
   * @throws {CatalogError}; what `work` throws, with nothing changed
   */
  transaction<T>(work: () => T): T {
    if (this.#isWriting) return work();
    this.#begin();
    this.#isWriting = true;
    try {
      const result = work();
      guarded(this.path, () => this.#database.exec('COMMIT'));
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    } finally {
      this.#isWriting = false;
    }
  }

  /**
   * Keeps all other writers out while something is done beside this file, which stays as it is.
   * @throws {CatalogError}; what `work` throws
   */
  async whileLocked<T>(work: () => Promise<T>): Promise<T> {
    this.#begin();
    try {
      return await work();
    } finally {
      this.#rollBack();
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  /** Takes the lock of writers, in the file that the path leads to now. */
  #begin(): void {
    for (;;) {
      guarded(this.path, () => this.#database.exec('BEGIN IMMEDIATE'));
      const identity = identityOf(this.path);
      if (identity === this.#identity) return;
      this.#rollBack();
      this[Symbol.dispose]();
      this.#database = open(this.path, this.#options);
      this.#identity = identityOf(this.path);
    }
  }

  #rollBack(): void {
    // What failed may have rolled back already, and the first error is the one that counts.
    if (this.#database.isOpen && this.#database.isTransaction) guarded(this.path, () => this.#database.exec('ROLLBACK'));
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      statement.setReadBigInts(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function open(path: string, options: CatalogOpenOptions): DatabaseSync {
  return options.readOnly === true ? openToRead(path, options) : openToWrite(path, options);
}

function openToRead(path: string, options: CatalogOpenOptions): DatabaseSync {
  try {
    return connect(path, options, true);
  } catch (error) {
    const cause = error instanceof CatalogError ? error.cause : undefined;
    if (sqliteCode(cause) !== readOnlyRollback) throw error;
  }
  // A writer was killed in a commit. Undoing that is for whoever may write; afterwards reading needs no more.
  connect(path, options, false).close();
  return connect(path, options, true);
}

function openToWrite(path: string, options: CatalogOpenOptions): DatabaseSync {
  if (path === memoryPath) return connect(path, options, false);
  try {
    // For its mode: SQLite would make it readable by everybody.
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw new CatalogError('ERR_CATALOG_UNUSABLE', path, `cannot be opened: ${(cause as Error).message}`, { cause });
  }
  return connect(path, options, false);
}

function connect(path: string, options: CatalogOpenOptions, readOnly: boolean): DatabaseSync {
  if (readOnly && identityOf(path) === undefined) throw new CatalogError('ERR_CATALOG_MISSING', path, 'is not there');
  // Loaded here: most commands never need it.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const { busyTimeoutMs = 5000 } = options;
  return guarded(path, () => {
    const database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
    try {
      prepare(database, path, { ...options, readOnly });
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function prepare(database: DatabaseSync, path: string, { readOnly, inMaking = false }: CatalogOpenOptions): void {
  database.exec('PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
  if (readOnly === true) return recognise(database, path);
  database.exec(inMaking ? 'PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY' : 'PRAGMA synchronous = FULL');
  if (isEmpty(database)) make(database);
  recognise(database, path);
  if (!inMaking) database.exec('PRAGMA journal_mode = TRUNCATE');
}

/** Two processes may come at the same time. */
function make(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  if (isEmpty(database)) database.exec(schema);
  database.exec('COMMIT');
}

/** Whether nothing was ever written: a new file, or one whose making was cut short. */
function isEmpty(database: DatabaseSync): boolean {
  return numberOf(database, 'PRAGMA application_id') === 0 && numberOf(database, 'SELECT count(*) FROM sqlite_schema') === 0;
}

function recognise(database: DatabaseSync, path: string): void {
  const id = numberOf(database, 'PRAGMA application_id');
  const version = numberOf(database, 'PRAGMA user_version');
  if (id === 0 && isEmpty(database)) throw new CatalogError('ERR_CATALOG_DAMAGED', path, 'is empty: its making was cut short');
  if (id !== applicationId) throw new CatalogError('ERR_CATALOG_FOREIGN', path, 'is the file of another program');
  if (version !== schemaVersion) {
    const age = version > schemaVersion ? 'newer' : 'older';
    const problem = `has version ${version}, ${age} than version ${schemaVersion} of this walvault`;
    throw new CatalogError('ERR_CATALOG_VERSION', path, problem);
  }
  const names = tableNames.map((name) => `'${name}'`).join(', ');
  const tables = numberOf(database, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN (${names})`);
  if (tables !== tableNames.length) throw new CatalogError('ERR_CATALOG_DAMAGED', path, 'is damaged: it lacks tables');
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0]);
}

/** Which file a path leads to; undefined when it leads to none. */
function identityOf(path: string): string | undefined {
  if (path === memoryPath) return undefined;
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new CatalogError('ERR_CATALOG_UNUSABLE', path, `cannot be looked at: ${(error as Error).message}`, { cause: error });
  }
}
