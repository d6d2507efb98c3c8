/** Verifies the WAL of a server. */
import {
  Catalog,
  CatalogError,
  type VerifyProgress,
  type VerifyRange,
  type VerifyReport,
  verifyWal,
} from '@walvault/archiver/verifying';
import type { ServerConfig } from '@walvault/config';
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
}

/**
 * Verifies what a server has of WAL: the archive, and the complete segments on their way to it. Verdicts go into the catalogue, where
 * there is one that can be used; none is made for that. What the whole has come to goes into `last-verification.json`.
 * @throws {CoreError} `ERR_ALREADY_RUNNING`; what `verifyWal` throws
 */
export async function verifyServerWal(server: ServerConfig, options: VerifyServerOptions): Promise<ServerVerification> {
  await ensureDirectories(server.directories.backup);
  const reading = await readOptions(server);
  let result: ServerVerification | undefined;
  await withTaskLock(server, 'verify-wal', async () => {
    using opened = openCatalog(catalogPath(server));
    const report = await verifyWal({ ...options, reading, statePath: verifyStatePath(server), catalog: opened.catalog });
    const catalogTrouble = report.catalogTrouble ?? opened.trouble;
    result = { ...report, catalogTrouble, hasCatalog: opened.catalog !== undefined || opened.trouble !== undefined };
    if (isWhole(options)) await writeLastVerification(server, report);
  });
  if (result !== undefined) return result;
  throw new CoreError('ERR_ALREADY_RUNNING', `the WAL of server ${server.name} is being verified already`, {
    hint: 'Wait until that is done.',
  });
}

function isWhole({ range = {}, quick }: VerifyServerOptions): boolean {
  return quick !== true && Object.values(range).every((edge) => edge === undefined);
}

/** A catalogue that is there; trouble with it keeps nobody from looking at the files. */
function openCatalog(path: string): Disposable & { readonly catalog?: Catalog; readonly trouble?: CatalogError } {
  try {
    // To write, too, it is only opened where it is: a new one would say that it knows all.
    using _ = Catalog.open(path, { readOnly: true });
    const catalog = Catalog.open(path);
    return { catalog, [Symbol.dispose]: () => catalog[Symbol.dispose]() };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const trouble = error.code === 'ERR_CATALOG_MISSING' ? {} : { trouble: error };
    return { ...trouble, [Symbol.dispose]: () => undefined };
  }
}
