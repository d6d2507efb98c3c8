/** Trouble that may pass by itself while recovery waits: a file server that is away for a moment, a mount that comes late. Pure. */
import { dirname } from 'node:path';
import { ArchiveEmptyError } from '@walvault/archiver/reading';
import { errnoOf, FileSystemError } from '@walvault/durable-fs';

/** Errors of file systems over a network, and of a system that is short of something. Where one of these passes, nothing has to be mended. */
const transient: ReadonlySet<string> = new Set([
  'EIO',
  'ESTALE',
  'EREMOTEIO',
  'ENOTCONN',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOLINK',
  'ENXIO',
  'ENODEV',
  'EAGAIN',
  'EINTR',
  'EBUSY',
  'ENOMEM',
  'EMFILE',
  'ENFILE',
]);

/** A disk without room, on which somebody may make some. */
const full: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** No leave to read: of a mount point that is closed until something is mounted there, or a file server whose ticket is renewed in a moment. */
const refused: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/**
 * Whether to try again to restore a file. A directory of the archive that is not there, holds nothing or may not be read may be a file
 * system that is mounted in a moment; where PostgreSQL wants the file, only room can come back.
 */
export function isTransientTrouble(error: unknown, destination: string): boolean {
  if (error instanceof ArchiveEmptyError) return true;
  if (!(error instanceof FileSystemError)) return false;
  const errno = errnoOf(error.cause) ?? '';
  if (full.has(errno) || transient.has(errno)) return true;
  const isOurs = dirname(error.path) !== dirname(destination);
  return isOurs && (error.code === 'ERR_PATH_MISSING' || refused.has(errno));
}

/** Whether there was no room for the file where PostgreSQL wants it. */
export function isFullAt(error: unknown, destination: string): boolean {
  if (!(error instanceof FileSystemError)) return false;
  return full.has(errnoOf(error.cause) ?? '') && dirname(error.path) === dirname(destination);
}
