/** The base backups of a server that Barman has taken. */
import { join } from 'node:path';
import { type BackupDirectories, type BaseBackupListing, listBaseBackups } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';

/**
 * Reads what there is of base backups: `basebackups_directory`, and `meta` in the server's directory.
 * Base backups in object storage cannot be seen from here, and are told as unreadable.
 * @throws {FileSystemError} when a directory or a file is there and cannot be read
 */
export async function listServerBackups(server: ServerConfig): Promise<BaseBackupListing> {
  const directories = backupDirectories(server);
  const { base } = directories;
  const listing = await listBaseBackups(directories);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(base)) return listing;
  const problem = 'is object storage, in which walvault cannot look for base backups';
  return { ...listing, unreadable: [...listing.unreadable, { id: 'all', path: base, problem }] };
}

/** Where Barman has the base backups of a server. */
export function backupDirectories({ settings, directories: { backup } }: ServerConfig): BackupDirectories {
  return { base: settings.get('basebackups_directory')?.text ?? join(backup, 'base'), meta: join(backup, 'meta') };
}
