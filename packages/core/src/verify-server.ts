/** Verifies the WAL of a server. */
import {
  Catalog,
  CatalogError,
  type VerifyProgress,
  type VerifyRange,
  type VerifyReport,
  type VerifyWalOptions,
  verifyWal,
} from '@walvault/archiver/verifying';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, FileSystemError } from '@walvault/durable-fs';
import { withTaskLock } from './cron.ts';
import { CoreError } from './errors.ts';
import { writeLastVerification } from './last-verification.ts';
import { catalogPath, ensureDirectories, verifyStatePath } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/** What to verify, and how. */
export interface VerifyServerOptions {
  readonly range?: VerifyRange | undefined;
  /** Names, sizes and first pages only, and what is on record. */
  readonly quick?: boolean | undefined;
  /** Begin anew, whatever an interrupted run has done. */
  readonly restart?: boolean | undefined;
  /** See `verifyWal`. */
  readonly pace?: ((bytes: number) => Promise<void>) | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  readonly signal: AbortSignal;
}

/** The result, and whether there is a catalogue at all. */
export interface ServerVerification extends VerifyReport {
  readonly hasCatalog: boolean;
  /** Why nothing of it is on record: the archive, or who looks at it, is not one to write there. */
  readonly notRecorded?: FileSystemError | undefined;
}

/**
 * Verifies what a server has of WAL: the archive, and the complete segments on their way to it. Verdicts go into the catalogue, where
 * there is one that can be used; none is made for that. What the whole has come to goes into `last-verification.json`. Where nothing can be
 * written, the WAL is looked at all the same.
 * @throws {CoreError} `ERR_ALREADY_RUNNING`; what `verifyWal` throws
 */
export async function verifyServerWal(server: ServerConfig, options: VerifyServerOptions): Promise<ServerVerification> {
  const reading = await readOptions(server);
  const notRecorded = await whyNotWritable(server.directories.backup, server.lockDirectory);
  // No lock is needed by whom nobody can disturb.
  if (notRecorded !== undefined) return { ...(await look(server, { ...options, reading })), notRecorded };
  let result: ServerVerification | undefined;
  await withTaskLock(server, 'verify-wal', async () => {
    result = await look(server, { ...options, reading, statePath: verifyStatePath(server) });
    if (isWhole(options)) await writeLastVerification(server, result);
  });
  if (result !== undefined) return result;
  throw new CoreError('ERR_ALREADY_RUNNING', `the WAL of server ${server.name} is being verified already`, {
    hint: 'Wait until that is done.',
  });
}

/** Nothing is written without a path for the state. */
async function look(server: ServerConfig, options: VerifyWalOptions): Promise<ServerVerification> {
  using opened = openCatalog(catalogPath(server), options.statePath === undefined);
  const report = await verifyWal({ ...options, catalog: opened.catalog });
  const catalogTrouble = report.catalogTrouble ?? opened.trouble;
  return { ...report, catalogTrouble, hasCatalog: opened.catalog !== undefined || opened.trouble !== undefined };
}

async function whyNotWritable(...directories: readonly string[]): Promise<FileSystemError | undefined> {
  try {
    await ensureDirectories(...directories);
    return undefined;
  } catch (error) {
    if (error instanceof FileSystemError && notForUs.has(errnoOf(error.cause) ?? '')) return error;
    throw error;
  }
}

const notForUs: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);

function isWhole({ range = {}, quick }: VerifyServerOptions): boolean {
  return quick !== true && Object.values(range).every((edge) => edge === undefined);
}

/** A catalogue that is there; trouble with it keeps nobody from looking at the files. */
function openCatalog(
  path: string,
  readOnly: boolean,
): Disposable & { readonly catalog?: Catalog; readonly trouble?: CatalogError } {
  try {
    // To write, too, it is only opened where it is: a new one would say that it knows all.
    using _ = Catalog.open(path, { readOnly: true });
    const catalog = Catalog.open(path, { readOnly });
    return { catalog, [Symbol.dispose]: () => catalog[Symbol.dispose]() };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const trouble = error.code === 'ERR_CATALOG_MISSING' ? {} : { trouble: error };
    return { ...trouble, [Symbol.dispose]: () => undefined };
  }
}
