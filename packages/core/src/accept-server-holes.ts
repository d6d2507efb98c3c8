/** `heal-wal --accept-holes`: the operator knows of the holes that streaming has passed, and `check` need not warn of them any more. */
import type { ServerConfig } from '@walvault/config';
import { acceptHoles, type RecordedHole } from './holes.ts';
import { holesPath } from './server-paths.ts';

/**
 * Accepts the holes of a server that streaming has passed. They stay on record, and no recovery goes past them.
 * @returns those that were not accepted before
 * @throws what `readHoles` throws, and {@link FileSystemError} when the record cannot be written
 */
export async function acceptServerHoles(server: ServerConfig): Promise<readonly RecordedHole[]> {
  return await acceptHoles(holesPath(server));
}
