/** The errors of the archive. Failures of the file system itself are `FileSystemError` of @walvault/durable-fs. */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type ArchiverErrorCode =
  /**
   * Another process archives for this server, or holds the lock of its xlog.db.
   *
   * @why Two of `archive-wal`, `cron`, `delete-wal`, `heal-wal` or Barman work on one server at the same time. Only one may.
   * @do Wait until it is done; its process ID stands in the message and in the lock file. `walvault status SERVER` shows how far
   * the archive is.
   * @retry retry
   */
  | 'ERR_ARCHIVER_BUSY'
  /**
   * A file is not as long as a WAL file of this cluster has to be.
   *
   * @why It was cut off on its way here (a copy that was interrupted, a full disk), or belongs to a cluster with another WAL
   * segment size.
   * @do Look for a whole copy in `pg_wal` of the server or a standby, or have it streamed again: `walvault heal-wal SERVER`. Do
   * not fill the file up by hand.
   * @retry fatal
   */
  | 'ERR_WAL_FILE_WRONG_SIZE'
  /**
   * What a file holds is not what its name says.
   *
   * @why Its bytes are damaged (disk, memory, a broken copy), its compression cannot be read, or it holds WAL of another position
   * or history.
   * @do See all that is damaged with `walvault verify-wal SERVER`, then have it streamed again with `walvault heal-wal SERVER`.
   * Compare with other copies before anything is removed.
   * @retry fatal
   */
  | 'ERR_WAL_FILE_CORRUPT'
  /**
   * A WAL file was written by another cluster: its system identifier is not that of this archive.
   *
   * @why Two servers feed one directory: a copied configuration, a clone that still has the `archive_command` of its origin, a
   * section that points to the wrong server.
   * @do Find out who wrote it: `SELECT system_identifier FROM pg_control_system()` on each server. Give each cluster a section,
   * and so directories, of its own.
   * @retry fatal
   */
  | 'ERR_WAL_FILE_FOREIGN'
  /**
   * A program that compresses or decompresses is not installed.
   *
   * @why The `compression` of the server, or a file that is in the archive already, needs it: bzip2, xz, or that of a custom
   * filter.
   * @do Install the program that the message names, on the PATH of the user who runs walvault; or set `compression = zstd`, which
   * needs none. Until then the segments wait in the streaming directory.
   * @retry retry
   */
  | 'ERR_CODEC_PROGRAM_MISSING'
  /**
   * A program or custom filter that compresses or decompresses could not be started, or ended with an error.
   *
   * @why The file is damaged, the filter has a mistake, or this machine lacks memory, processes or open files.
   * @do Run the command of the message by hand on the same file. Nothing was removed; the next `walvault archive-wal SERVER` tries
   * again.
   * @retry retry
   */
  | 'ERR_CODEC_PROGRAM_FAILED'
  /**
   * What was written to the archive does not read back as what was archived. The source was kept.
   *
   * @why Faulty memory, a faulty disk or controller, or the source changed while it was copied.
   * @do Run `walvault archive-wal SERVER` again. If it comes back, look at the kernel log (`dmesg`), test memory and disk, and
   * move the archive to another disk before more WAL comes.
   * @retry retry
   */
  | 'ERR_ARCHIVE_COPY_DIFFERS'
  /**
   * A WAL file is missing although later ones, or others that need it, are there. A recovery must not go on as if the WAL ended
   * here.
   *
   * @why It was deleted or moved by hand, never arrived, or lies unread in the errors directory.
   * @do Look for it with `walvault verify-wal SERVER`, and have it streamed again with `walvault heal-wal SERVER`. If no server
   * has it any more, search `pg_wal` of all standbys, the directory `errors` and other archives. As a last resort recover to a
   * point before it: `walvault find-target SERVER --lsn LSN`.
   * @retry fatal
   */
  | 'ERR_WAL_HOLE'
  /**
   * What was sent to put-wal is not what it must be: a tar archive of WAL files with their checksums. Nothing of it was kept.
   *
   * @why The connection broke in the middle, a checksum does not match, or something else than `barman-wal-archive` was at the
   * other end.
   * @do Nothing, if it happened once: PostgreSQL calls its `archive_command` again. If it stays so, run the `archive_command` by
   * hand on the database server, and check the way there with `walvault put-wal --test SERVER`.
   * @retry retry
   */
  | 'ERR_PUT_WAL_REFUSED'
  /**
   * There is no WAL in any of the directories of the server, or none in an archive that had some, so nothing can be said about
   * where it ends.
   *
   * @why The file system of the archive is not mounted, or the configuration names another directory.
   * @do Check the mount and the paths: `walvault show-wal SERVER`. A recovering server waits or stops meanwhile, which is right:
   * it must not take an empty directory for the end of the WAL.
   * @retry fatal
   */
  | 'ERR_ARCHIVE_EMPTY'
  /**
   * The record of what was deleted (`deleted-wal.json`) does not hold what walvault writes there.
   *
   * @why The file was edited, or damaged by its disk.
   * @do Look at it, then move it away; the next `walvault delete-wal SERVER` begins a new one. What it said to be deleted is from
   * then on no longer told from what never came.
   * @retry fatal
   */
  | 'ERR_DELETION_RECORD'
  /**
   * The directory that segments are prefetched into could be written to by somebody else, who could then hand WAL to a recovering
   * server. Nothing is prefetched.
   *
   * @why It belongs to another user, others may write to it, or it is no directory. `/tmp` is such a place.
   * @do Give `--spool-dir` a directory of the user that the server runs as, with mode 700: `walvault restore-wal --spool-dir
   * DIRECTORY --print-command SERVER`.
   * @retry fatal
   */
  | 'ERR_SPOOL_UNSAFE'
  /**
   * There is WAL, but nothing of it to verify: no complete segment, or none in the range that was given to verify-wal.
   *
   * @why `--from`, `--to` and `--timeline` leave nothing over; or the first segment is still being received.
   * @do Wait until it is complete (`walvault switch-wal --force --archive SERVER` makes it so), or see what there is with `walvault show-wal SERVER`; `walvault verify-wal SERVER` without a range looks at all of it.
   * @retry fatal
   */
  | 'ERR_NOTHING_TO_VERIFY'
  /**
   * A line of xlog.db, the list of what is archived, is not one.
   *
   * @why The file was edited, or written by something else than Barman and walvault.
   * @do Make it anew from the files of the archive: `walvault rebuild-xlogdb SERVER`. The WAL itself is not touched.
   * @retry fatal
   */
  | 'ERR_XLOGDB_INVALID';

/** Codes of a {@link WalFileError}. */
export type WalFileErrorCode = Extract<
  ArchiverErrorCode,
  'ERR_WAL_FILE_WRONG_SIZE' | 'ERR_WAL_FILE_CORRUPT' | 'ERR_WAL_FILE_FOREIGN'
>;

/** Somebody else is at work on this archive. */
export class ArchiverBusyError extends WalvaultError {
  readonly code = 'ERR_ARCHIVER_BUSY';
  readonly retry: RetryAdvice = 'retry';
  /** The lock that could not be had. */
  readonly lockPath: string;
  /** Who has it, if the lock file says so. */
  readonly pid: number | undefined;

  constructor(lockPath: string, pid: number | undefined) {
    super(`lock "${lockPath}" is held by ${pid === undefined ? 'another process' : `process ${pid}`}`, {
      hint: 'Another archiver works on this server; wait until it is done.',
    });
    this.lockPath = lockPath;
    this.pid = pid;
  }
}

/** A WAL file that must not be archived, or handed to a recovering server, under its name. */
export class WalFileError extends WalvaultError {
  readonly code: WalFileErrorCode;
  readonly retry: RetryAdvice = 'fatal';
  readonly path: string;

  /** @param problem what is wrong with the file, as it reads behind "WAL file "PATH" " */
  constructor(code: WalFileErrorCode, path: string, problem: string, options?: WalvaultErrorOptions) {
    super(`WAL file "${path}" ${problem}`, options);
    this.code = code;
    this.path = path;
  }
}

/** A program outside of this process, or a custom filter, did not do its work. Nothing is wrong with the file for that. */
export class CodecProgramError extends WalvaultError {
  readonly code: 'ERR_CODEC_PROGRAM_MISSING' | 'ERR_CODEC_PROGRAM_FAILED';
  readonly retry: RetryAdvice = 'retry';
  /** The program, or the command of the filter. */
  readonly program: string;

  private constructor(code: CodecProgramError['code'], program: string, message: string, options: WalvaultErrorOptions) {
    super(message, options);
    this.code = code;
    this.program = program;
  }

  /** It cannot be started. */
  static missing(program: string, cause?: unknown): CodecProgramError {
    const message = `the program ${program} is needed and cannot be run`;
    const hint = `Install the package ${program}, or set another compression, such as zstd.`;
    return new CodecProgramError('ERR_CODEC_PROGRAM_MISSING', program, message, { hint, cause });
  }

  /** It is there, and the system does not start it: no memory, too many processes or open files. */
  static notStarted(program: string, cause: unknown): CodecProgramError {
    const message = `\`${program}\` could not be started: ${cause instanceof Error ? cause.message : String(cause)}`;
    const hint = 'This machine lacks memory, or room for processes or open files; nothing is wrong with the file.';
    return new CodecProgramError('ERR_CODEC_PROGRAM_FAILED', program, message, { hint, cause });
  }

  /** It ended with an error. @param exitCode undefined when a signal ended it */
  static failed(program: string, exitCode: number | undefined, said: string): CodecProgramError {
    const end = exitCode === undefined ? 'was ended by a signal' : `ended with exit code ${exitCode}`;
    const message = `\`${program}\` ${end}${said === '' ? '' : `: ${said}`}`;
    const hint = 'Run the command by hand on the file to see what is wrong with it.';
    return new CodecProgramError('ERR_CODEC_PROGRAM_FAILED', program, message, { hint });
  }
}

/** The copy in the archive, read back before the source was to be removed, is not the source. Nothing was removed. */
export class ArchiveCopyError extends WalvaultError {
  readonly code = 'ERR_ARCHIVE_COPY_DIFFERS';
  readonly retry: RetryAdvice = 'retry';
  readonly path: string;

  constructor(path: string, source: string, cause?: unknown) {
    super(`the copy "${path}" does not read back as "${source}"`, {
      hint: 'The source was kept. If it happens again, check the memory and the disk of this machine.',
      cause,
    });
    this.path = path;
  }
}

/** What came in to put-wal was refused, and nothing of it was kept. */
export class PutWalError extends WalvaultError {
  readonly code = 'ERR_PUT_WAL_REFUSED';
  readonly retry: RetryAdvice = 'retry';
}

/** A WAL file is missing in the middle. */
export class WalHoleError extends WalvaultError {
  readonly code = 'ERR_WAL_HOLE';
  readonly retry: RetryAdvice = 'fatal';
  /** Name of the file that is missing. */
  readonly walName: string;
  /** What proves that there was such a file, in words. */
  readonly proof: string;

  /** @param proof as it reads behind "WAL file "NAME" is missing, but " */
  constructor(walName: string, proof: string) {
    super(`WAL file "${walName}" is missing, but ${proof}`, {
      hint: 'Find the missing file (pg_wal of the server or a standby, the errors directory, another archive) or recover to a point before it.',
    });
    this.walName = walName;
    this.proof = proof;
  }
}

/** An archive with nothing in it cannot say where the WAL ends. */
export class ArchiveEmptyError extends WalvaultError {
  readonly code = 'ERR_ARCHIVE_EMPTY';
  readonly retry: RetryAdvice = 'fatal';

  /** @param trace what shows that there was some, as it reads behind "no WAL at all below DIRECTORY, but " */
  constructor(walsDirectory: string, trace?: string) {
    super(`no WAL at all below "${walsDirectory}"${trace === undefined ? '' : `, but ${trace}`}`, {
      hint: 'Check that the directory is the right one and that its file system is mounted.',
    });
  }
}

/** A line of xlog.db that cannot be read. */
export class XlogDbError extends WalvaultError {
  readonly code = 'ERR_XLOGDB_INVALID';
  readonly retry: RetryAdvice = 'fatal';

  constructor(path: string, line: string) {
    super(`invalid line in "${path}": "${line}"`, { hint: 'Rebuild the file from the archive with rebuild-xlogdb.' });
  }
}

/** The record of deletions cannot be read, so nobody may say where the archive ends. */
export class DeletionRecordError extends WalvaultError {
  readonly code = 'ERR_DELETION_RECORD';
  readonly retry: RetryAdvice = 'fatal';

  constructor(path: string) {
    super(`"${path}" does not hold a record of deletions`, {
      hint: 'Look at it, and move it away; a new one is begun then. What it said to be deleted is no longer told from what never came.',
    });
  }
}

/** A directory that no recovering server should take WAL from. */
export class SpoolError extends WalvaultError {
  readonly code = 'ERR_SPOOL_UNSAFE';
  readonly retry: RetryAdvice = 'fatal';
  readonly path: string;

  /** @param problem as it reads behind "spool directory "PATH" " */
  constructor(path: string, problem: string) {
    super(`spool directory "${path}" ${problem}`, {
      hint: 'Give --spool-dir a directory that belongs to the user of the server and that nobody else may write to.',
    });
    this.path = path;
  }
}

/** A range in which there is no segment, and in which none is missing; or WAL of which no segment is complete. */
export class NothingToVerifyError extends WalvaultError {
  readonly code = 'ERR_NOTHING_TO_VERIFY';
  readonly retry: RetryAdvice = 'fatal';

  /** @param beginning the segment that is being received, where there is nothing else */
  constructor(beginning?: string) {
    super(
      beginning === undefined
        ? 'there is no segment in the given range'
        : `no segment is complete yet, only "${beginning}" is there`,
      {
        hint:
          beginning === undefined
            ? 'Look at --from, --to and --timeline; without them all there is gets verified.'
            : 'Try again when it is complete; "walvault switch-wal --force --archive SERVER" makes it so.',
      },
    );
  }
}
