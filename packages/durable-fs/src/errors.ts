/** The errors of files and directories, told apart by what an operator has to do about them. */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type DurableFsErrorCode =
  /**
   * fsync or fdatasync failed. The kernel may have dropped the data, so the file is not trusted any more and nothing behind the
   * last good sync was acknowledged.
   *
   * @why A disk that fails, a thin pool or network storage that ran out behind the file system, a file system that went read-only.
   * @do Look at the kernel log (`dmesg`) and at the health of the disk before anything is started again; move to another disk if
   * in doubt. Then `walvault receive-wal SERVER` asks for the WAL again from the last sure position.
   * @retry fatal
   */
  | 'ERR_SYNC_FAILED'
  /**
   * No room, or no quota, is left on the file system.
   *
   * @why The archive has outgrown its disk. While the receiver cannot write, the slot holds the WAL back on the server, whose disk
   * fills up then.
   * @do See what takes the room with `df -h`; let go of WAL that no backup needs with `walvault delete-wal SERVER`
   * (`wal_retention_policy`), or enlarge the file system. walvault goes on by itself.
   * @retry retry
   */
  | 'ERR_STORAGE_FULL'
  /**
   * The operating system does not let walvault read or write there.
   *
   * @why A directory belongs to another user (walvault was once run as root), its mode forbids it, or the file system is mounted
   * read-only.
   * @do Look with `namei -l PATH`, and give the path back to the user that walvault runs as: `chown -R barman: PATH`. Always run
   * walvault as the same user.
   * @retry fatal
   */
  | 'ERR_NOT_PERMITTED'
  /**
   * A file or directory that must be there is not.
   *
   * @why It was removed, its file system is not mounted, or the path in the configuration is wrong.
   * @do Check the mount first: a directory that is made on an unmounted place hides the real one later. Then correct the path or
   * create the directory.
   * @retry fatal
   */
  | 'ERR_PATH_MISSING'
  /**
   * The system is out of something that comes back: file descriptors or memory.
   *
   * @why A limit is too low for the number of servers, or another program uses it all up.
   * @do Raise the limits (`LimitNOFILE=` in the unit of systemd, or `ulimit -n`) or stop what uses them up.
   * @retry retry
   */
  | 'ERR_SYSTEM_BUSY'
  /**
   * A file operation failed in another way; the message has the words of the system.
   *
   * @why Mostly the disk or a network mount: an I/O error, a stale handle, a name that is too long.
   * @do Look at the kernel log (`dmesg`) and at the named path. For network mounts, mount it anew.
   * @retry fatal
   */
  | 'ERR_FILE_SYSTEM';

/** A file operation that failed. `path` is the file or directory, `cause` the system's error. */
export class FileSystemError extends WalvaultError {
  readonly code: DurableFsErrorCode;
  readonly retry: RetryAdvice;
  readonly path: string;

  constructor(code: DurableFsErrorCode, path: string, message: string, options?: WalvaultErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
    this.retry = code === 'ERR_STORAGE_FULL' || code === 'ERR_SYSTEM_BUSY' ? 'retry' : 'fatal';
  }
}

interface Verdict {
  readonly code: DurableFsErrorCode;
  readonly hint: string;
}

const permission: Verdict = {
  code: 'ERR_NOT_PERMITTED',
  hint: 'Check the owner and the mode of this path, and whether its file system is mounted read-only.',
};
const full: Verdict = { code: 'ERR_STORAGE_FULL', hint: 'Free some space or raise the quota on this file system.' };
const missing: Verdict = { code: 'ERR_PATH_MISSING', hint: 'Create it, or correct the path in the configuration.' };
const busy: Verdict = {
  code: 'ERR_SYSTEM_BUSY',
  hint: 'Raise the limit of open files or the memory of this process, or stop what uses them up.',
};
const verdicts: Readonly<Record<string, Verdict>> = {
  EACCES: permission,
  EPERM: permission,
  EROFS: permission,
  ENOSPC: full,
  EDQUOT: full,
  ENOENT: missing,
  ENOTDIR: missing,
  EMFILE: busy,
  ENFILE: busy,
  ENOMEM: busy,
  EAGAIN: busy,
  EINTR: busy,
};

/**
 * Turns what a file operation threw into a {@link FileSystemError}, by errno.
 * @param action what was tried, as in "could not ACTION": `create`, `write to`, `rename`
 */
export function fileSystemError(action: string, path: string, cause: unknown): FileSystemError {
  if (cause instanceof FileSystemError) return cause;
  // a close that failed too, at the end of a `using` block: the first trouble is the one to tell
  if (cause instanceof SuppressedError) return fileSystemError(action, path, cause.suppressed);
  const verdict = verdicts[errnoOf(cause) ?? ''];
  return new FileSystemError(verdict?.code ?? 'ERR_FILE_SYSTEM', path, `could not ${action} "${path}": ${describe(cause)}`, {
    hint: verdict?.hint,
    cause,
  });
}

/** A failed fsync: always fatal, whatever the errno (a retry could succeed without the lost data being on disk). */
export function syncError(path: string, cause: unknown): FileSystemError {
  return new FileSystemError('ERR_SYNC_FAILED', path, `could not fsync "${path}": ${describe(cause)}`, {
    hint: 'Data may be lost on this disk. Check the kernel log and the device before starting again; nothing unsynced was acknowledged.',
    cause,
  });
}

/** The errno name (`ENOENT`) of a system error, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const plainWords: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EEXIST: 'file exists',
  EIO: 'input/output error',
  EMFILE: 'too many open files in this process',
  ENFILE: 'too many open files in the system',
  ENOMEM: 'out of memory',
  EXDEV: 'not on the same file system',
};

function describe(cause: unknown): string {
  const errno = errnoOf(cause);
  if (errno !== undefined) return plainWords[errno] ?? errno;
  return cause instanceof Error ? cause.message : String(cause);
}
