/** The list of what is in the archive of a server: made anew, and asked whether WAL of another server may come. */
import { checkWalArchive, rebuildXlogDb, type RebuildXlogDbReport, type WalArchiveCheck, xlogDbPath } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { customFiltersOf } from './compression-of.ts';
import { ensureDirectories } from './server-paths.ts';

/** How to make an xlog.db anew. */
export interface RebuildServerXlogDbOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with how many files were looked at, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Makes the xlog.db of a server anew from its archive; see `rebuildXlogDb` for what is thrown. */
export async function rebuildServerXlogDb(
  server: ServerConfig,
  options: RebuildServerXlogDbOptions = {},
): Promise<RebuildXlogDbReport> {
  await ensureDirectories(server.lockDirectory);
  return rebuildXlogDb({
    serverName: server.name,
    walsDirectory: server.directories.wals,
    xlogDbDirectory: server.xlogdbDirectory,
    lockDirectory: server.lockDirectory,
    custom: customFiltersOf(server),
    ...options,
  });
}

/**
 * Whether the WAL of a new server may go into the archive of this one; see `checkWalArchive`.
 * @param timelineId the first timeline of the new server; without it the archive must be empty
 */
export async function checkServerWalArchive(server: ServerConfig, timelineId?: number): Promise<WalArchiveCheck> {
  const walsDirectory = server.directories.wals;
  const path = await xlogDbPath({ serverName: server.name, walsDirectory, xlogDbDirectory: server.xlogdbDirectory });
  return checkWalArchive({ walsDirectory, xlogDbPath: path }, timelineId);
}
