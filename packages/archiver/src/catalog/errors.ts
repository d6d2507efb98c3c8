/** What can be wrong with the catalogue. The archive is the truth, so none of it is a loss: `rebuild-catalog` mends it. */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of a {@link CatalogError}. */
export type CatalogErrorCode =
  /**
   * There is no catalogue (`walvault.sqlite`) yet.
   *
   * @why Nothing was archived by walvault so far, as in an archive that Barman has filled; or the file was removed.
   * @do Make it from the files: `walvault rebuild-catalog SERVER`. The archiver makes one by itself with the next file, which then
   * knows that file only.
   * @retry fatal
   */
  | 'ERR_CATALOG_MISSING'
  /**
   * The catalogue is damaged, or was left half made. The WAL is not affected: the catalogue is a view of it.
   *
   * @why A crash of the machine, a faulty disk, or a copy that was made while it was written.
   * @do Make it anew from the files: `walvault rebuild-catalog SERVER`.
   * @retry fatal
   */
  | 'ERR_CATALOG_DAMAGED'
  /**
   * `walvault.sqlite` is the file of another program.
   *
   * @why Another SQLite database was put in its place.
   * @do Move it away if somebody needs it, then run `walvault rebuild-catalog SERVER`.
   * @retry fatal
   */
  | 'ERR_CATALOG_FOREIGN'
  /**
   * The catalogue was written by another version of walvault, in a form that this one does not know.
   *
   * @why walvault was upgraded, or two versions work on one archive.
   * @do If a newer walvault wrote it, use that one. If an older one did: `walvault rebuild-catalog SERVER`.
   * @retry fatal
   */
  | 'ERR_CATALOG_VERSION'
  /**
   * Another process holds the catalogue for longer than we wait.
   *
   * @why A long write (`rebuild-catalog`, the archiver under load), or a tool that has it open in a transaction.
   * @do Wait until the other process is done, and try again. A shell of `sqlite3` on the file should be closed.
   * @retry retry
   */
  | 'ERR_CATALOG_BUSY'
  /**
   * The file system does not let us read or write the catalogue.
   *
   * @why Permission, a full disk, a read-only mount or an I/O error.
   * @do Look at the file and its file system: `ls -l` and `df -h` on the path of the message. WAL is archived all the same; bring
   * the catalogue up to date afterwards with `walvault rebuild-catalog SERVER`.
   * @retry fatal
   */
  | 'ERR_CATALOG_UNUSABLE';

/** The catalogue cannot be used. */
export class CatalogError extends WalvaultError {
  readonly code: CatalogErrorCode;
  readonly retry: RetryAdvice;
  readonly path: string;

  /** @param problem as it reads behind "catalogue "PATH" " */
  constructor(code: CatalogErrorCode, path: string, problem: string, options?: WalvaultErrorOptions) {
    super(`catalogue "${path}" ${problem}`, { hint: hints[code], ...options });
    this.code = code;
    this.retry = code === 'ERR_CATALOG_BUSY' ? 'retry' : 'fatal';
    this.path = path;
  }
}

const rebuild = 'Run rebuild-catalog: it makes the catalogue anew from the files of the archive, which are not touched.';

const hints: Readonly<Record<CatalogErrorCode, string>> = {
  ERR_CATALOG_MISSING: rebuild,
  ERR_CATALOG_DAMAGED: rebuild,
  ERR_CATALOG_FOREIGN: `Move the file away if another program needs it. ${rebuild}`,
  ERR_CATALOG_VERSION: `Use the walvault that wrote it. Else: ${rebuild}`,
  ERR_CATALOG_BUSY: 'Wait until the other process is done with it, and try again.',
  ERR_CATALOG_UNUSABLE: 'Check the permissions of the file and its directory, and the space on that file system.',
};

/** SQLite's primary result codes (sqlite3.h). */
const sqlite = {
  error: 1,
  busy: 5,
  locked: 6,
  noMemory: 7,
  corrupt: 11,
  constraint: 19,
  mismatch: 20,
  misuse: 21,
  range: 25,
  notADatabase: 26,
};
/** SQLITE_READONLY_ROLLBACK: what a crashed writer left must be undone first, and we may only read. */
export const readOnlyRollback = 776;
/** SQLITE_IOERR_CORRUPTFS */
const corruptFileSystem = 8458;

/** The extended result code of an error of node:sqlite; undefined for any other value. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** Runs something that uses SQLite; its errors come out as a {@link CatalogError}, defects of ours as they are. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw catalogError(path, error);
  }
}

function catalogError(path: string, error: unknown): unknown {
  const extended = sqliteCode(error);
  if (extended === undefined || !(error instanceof Error)) return error;
  const fail = (code: CatalogErrorCode, problem: string): CatalogError => new CatalogError(code, path, problem, { cause: error });
  switch (extended & 0xff) {
    case sqlite.busy:
    case sqlite.locked:
      return fail('ERR_CATALOG_BUSY', 'is held by another process');
    case sqlite.error:
    case sqlite.corrupt:
    case sqlite.notADatabase:
      return fail('ERR_CATALOG_DAMAGED', `is damaged: ${error.message}`);
    case sqlite.noMemory:
    case sqlite.constraint:
    case sqlite.mismatch:
    case sqlite.misuse:
    case sqlite.range:
      return error;
    default:
      if (extended === corruptFileSystem) return fail('ERR_CATALOG_DAMAGED', 'is damaged: so is its file system');
      return fail('ERR_CATALOG_UNUSABLE', `cannot be used: ${error.message}`);
  }
}
