/** @walvault/core/incoming: the part of @walvault/core that takes WAL files in, for a command that runs for each of them. */
import { putWal, type PutWalReport } from '@walvault/archiver/incoming';
import type { ServerConfig } from '@walvault/config';

export type { PutWalReport } from '@walvault/archiver/incoming';

/**
 * Takes WAL files of a server in, as a tar archive with checksums; see `putWal` for what is thrown.
 * @param source its chunks are not used again by the caller
 */
export async function putServerWal(server: ServerConfig, source: AsyncIterable<Buffer>): Promise<PutWalReport> {
  const { incoming, errors } = server.directories;
  return putWal({ serverName: server.name, incomingDirectory: incoming, errorsDirectory: errors, source });
}
