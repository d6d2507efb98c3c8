/** Fills the archive of a server. */
import { ArchiverBusyError, type ArchiveReport, archiveWal, type Compression, type FileResult } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import type { Logger } from '@walvault/wal';
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
 * @throws {CoreError} `ERR_NOT_SUPPORTED` for a compression that cannot be written yet; what `archiveWal` throws
 */
export async function archiveServer(server: ServerConfig, options: ArchiveServerOptions): Promise<ArchiveReport | 'busy'> {
  refuseEncryption(server);
  const compression = compressionOf(server);
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

/** Barman's words for levels, as its classes have them. */
const namedLevels = {
  gzip: { low: 1, medium: 6, high: 9 },
  zstd: { low: 1, medium: 4, high: 9 },
} as const;

/** Names of Barman that come to the same file format. */
const methods: Readonly<Record<string, 'none' | 'gzip' | 'zstd'>> = {
  none: 'none',
  gzip: 'gzip',
  pigz: 'gzip',
  pygzip: 'gzip',
  zstd: 'zstd',
};

function compressionOf(server: ServerConfig): Compression {
  const method = methods[server.compression];
  if (method === undefined) {
    throw new CoreError(
      'ERR_NOT_SUPPORTED',
      `compression = ${server.compression} cannot be written by this version of walvault (allowed: none, gzip, pigz, pygzip, zstd)`,
      {
        hint: `Set compression in section [${server.name}] to one of these. Nothing was archived; the segments wait in "${server.directories.streaming}".`,
      },
    );
  }
  if (method === 'none') return { method };
  const level =
    typeof server.compressionLevel === 'number' ? server.compressionLevel : namedLevels[method][server.compressionLevel];
  return { method, level };
}
