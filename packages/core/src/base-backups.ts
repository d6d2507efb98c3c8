/** The base backups of a server that Barman has taken. */
import { join } from 'node:path';
import { type BaseBackupListing, listBaseBackups } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';

/**
 * Reads what there is of base backups: `basebackups_directory`, and `meta` in the server's directory.
 * Base backups in object storage cannot be seen from here, and are told as unreadable.
 * @throws {FileSystemError} when a directory or a file is there and cannot be read
 */
export async function listServerBackups(server: ServerConfig): Promise<BaseBackupListing> {
  const base = server.settings.get('basebackups_directory')?.text ?? join(server.directories.backup, 'base');
  const listing = await listBaseBackups({ base, meta: join(server.directories.backup, 'meta') });
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(base)) return listing;
  const problem = 'is object storage, in which walvault cannot look for base backups';
  return { ...listing, unreadable: [...listing.unreadable, { id: 'all', path: base, problem }] };
}
