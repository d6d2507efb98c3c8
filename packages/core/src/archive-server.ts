/** Fills the archive of a server. */
import { ArchiverBusyError, type ArchiveReport, archiveWal, type FileResult, usableCompression } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { type Logger, silentLogger } from '@walvault/wal';
import { compressionOf } from './compression-of.ts';
import { CoreError } from './errors.ts';
import { readReceiverState } from './receiver-state.ts';
import { ensureDirectories, statePath } from './server-paths.ts';
import { systemIdentifierOf } from './server-wal.ts';

/** How to run an archiver. */
export interface ArchiveServerOptions {
  readonly signal: AbortSignal;
  /** Called for each file when it is safe where it belongs. */
  readonly onFile?: ((result: FileResult) => void) | undefined;
  readonly log?: Logger | undefined;
}

/**
 * Archives what is complete in the streaming directory of a server.
 * @returns `busy` when another process is at it
 * @throws {CoreError} `ERR_NOT_SUPPORTED` for encryption
 * @throws {CodecProgramError} when a program that the compression needs is missing; what `archiveWal` throws
 */
export async function archiveServer(server: ServerConfig, options: ArchiveServerOptions): Promise<ArchiveReport | 'busy'> {
  refuseEncryption(server);
  const { compression, notice } = await usableCompression(compressionOf(server));
  if (notice !== undefined) (options.log ?? silentLogger).warn({ server: server.name }, notice);
  const { streaming, wals, errors } = server.directories;
  await ensureDirectories(server.lockDirectory, streaming, wals, errors);
  try {
    return await archiveWal({
      serverName: server.name,
      directories: { streaming, wals, errors },
      lockDirectory: server.lockDirectory,
      xlogDbDirectory: server.xlogdbDirectory,
      compression,
      batchSize: server.streamingArchiverBatchSize,
      systemIdentifier: await systemIdentifierOf(server),
      livePartial: (await readReceiverState(statePath(server)))?.partialName ?? undefined,
      ...options,
    });
  } catch (error) {
    if (error instanceof ArchiverBusyError) return 'busy';
    throw error;
  }
}

/** Nothing is archived in the clear that was meant to be encrypted. */
function refuseEncryption(server: ServerConfig): void {
  if (server.encryption.method === 'none') return;
  throw new CoreError(
    'ERR_NOT_SUPPORTED',
    `encryption = ${server.encryption.method} cannot be done by this version of walvault (allowed: none)`,
    {
      hint: `Nothing was archived; the segments wait in "${server.directories.streaming}". Encrypt the file system instead, or archive with a tool that encrypts.`,
    },
  );
}
