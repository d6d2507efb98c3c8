/** Makes the catalogue of a server's archive anew. */
import { rebuildCatalog, type RebuildCatalogReport } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { withTaskLock } from './cron.ts';
import { CoreError } from './errors.ts';
import { catalogPath, ensureDirectories } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/** How to do it. */
export interface RebuildServerCatalogOptions {
  /** Called behind each segment that was read. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Reads the whole archive and puts a new catalogue in place of the old one. Archiving may go on meanwhile.
 * @throws {CoreError} `ERR_ALREADY_RUNNING`; what `rebuildCatalog` throws
 */
export async function rebuildServerCatalog(
  server: ServerConfig,
  options: RebuildServerCatalogOptions,
): Promise<RebuildCatalogReport> {
  await ensureDirectories(server.directories.backup);
  const reading = await readOptions(server);
  let report: RebuildCatalogReport | undefined;
  await withTaskLock(server, 'rebuild-catalog', async () => {
    report = await rebuildCatalog({ reading, path: catalogPath(server), ...options });
  });
  if (report !== undefined) return report;
  throw new CoreError('ERR_ALREADY_RUNNING', `the catalogue of server ${server.name} is being rebuilt already`, {
    hint: 'Wait until that is done.',
  });
}
