/** The errors of the use cases: what only they can know. Everything else comes from the packages below as it is. */
import type { SlotVerdict } from '@walvault/slots';
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type CoreErrorCode =
  /**
   * The configuration has no server of this name, or the word `all` stands where it cannot.
   *
   * @why The name is that of a section of the configuration file, in the same case. `all` is for commands that take several
   * servers, and then alone.
   * @do See the names: `walvault list-servers`. If the server is missing there, another configuration file was read: give it by
   * `-c FILE`.
   * @retry fatal
   */
  | 'ERR_UNKNOWN_SERVER'
  /**
   * The server is configured with `active = false`, so it is neither received from nor archived.
   *
   * @why Somebody switched it off in its section.
   * @do Set `active = true` in the section of the server and call the command again.
   * @retry fatal
   */
  | 'ERR_SERVER_INACTIVE'
  /**
   * An option that this command needs is not set for the server, or is switched off.
   *
   * @why The section lacks `slot_name`, `streaming_conninfo` or `conninfo`, or has `streaming_archiver = off`.
   * @do Set the option that the message names in the section of the server, then call the command again.
   * @retry fatal
   */
  | 'ERR_OPTION_REQUIRED'
  /**
   * The configuration asks for something that this version cannot do, and that must not be left out silently.
   *
   * @why `encryption` is set: archiving in the clear what was meant to be encrypted is refused. The segments wait in the streaming
   * directory; nothing is lost.
   * @do Put the archive on an encrypted file system and set `encryption = none`, or archive with a tool that encrypts. Then
   * `walvault archive-wal SERVER`.
   * @retry fatal
   */
  | 'ERR_NOT_SUPPORTED'
  /**
   * There is no WAL of the server in the archive, nor in the directories that feed it.
   *
   * @why The file system is not mounted, the directories in the configuration are others, or nothing was ever received.
   * @do Check the mount; see where the server stands with `walvault status SERVER`; start receiving with `walvault receive-wal
   * SERVER`.
   * @retry fatal
   */
  | 'ERR_NO_WAL'
  /**
   * `walvault run` does this for the server, as one of many things in one process, so that it cannot be ended alone by a signal.
   *
   * @why A signal would end `run`, and with it the receivers of all its servers.
   * @do Set `active = false` in the section of the server and send SIGHUP to the process that the message names: `run` then lets go of
   * this server alone. Set it back and send SIGHUP again when you are done. To end `run` itself, use your service manager.
   * @retry fatal
   */
  | 'ERR_SERVED_BY_RUN'
  /**
   * The role of the connection may not do on the server what the command needs (SQLSTATE 42501).
   *
   * @why The role was made for streaming only, or lacks membership in `pg_monitor`, `pg_checkpoint` or the right to call a function.
   * @do Run the GRANT that the hint names on the server as a superuser, or all that `walvault setup SERVER` prints; then call the
   * command again.
   * @retry fatal
   */
  | 'ERR_MISSING_PRIVILEGE'
  /**
   * `sync-info` was asked for what comes behind a WAL file that the archive does not reach.
   *
   * @why The file is older than the oldest one in the archive, or newer than the newest: retention has left the copy that asks behind,
   * or the copy is not one of this archive.
   * @do Have the copy begin anew: `walvault sync-info SERVER` without a WAL file tells all that there is.
   * @retry fatal
   */
  | 'ERR_SYNC_POSITION'
  /**
   * Another process does this for the server already.
   *
   * @why Each task has a lock for each server, so that two never write the same files. Also Barman, where it holds the lock.
   * @do Nothing, if that is what you wanted: `walvault list-processes SERVER` names the processes. To take the place of a
   * receiver, stop it first: `walvault receive-wal --stop SERVER`.
   * @retry fatal
   */
  | 'ERR_ALREADY_RUNNING'
  /**
   * Work on the files of a server has not got on for minutes. `run` leaves it alone and goes on with other servers.
   *
   * @why The file system of the server's directories hangs, such as one on the network whose server is gone.
   * @do See whether it answers, by `ls` and `df` on the directories of the server. The work goes on by itself when it does.
   * @retry retry
   */
  | 'ERR_NO_PROGRESS'
  /**
   * A process holds the lock of a task, but the lock file does not tell which one, or names one that does not have the file open. Nobody
   * was told to end.
   *
   * @why The file was emptied or written over while its lock was held, by hand or by a full disk; or the process is in another
   * container, where it has another number.
   * @do Find the process with `fuser -v FILE`, FILE being the one that the message names, and end it with `kill -INT PID`; in a
   * container, run the command there.
   * @retry fatal
   */
  | 'ERR_PROCESS_UNKNOWN'
  /**
   * There is no process to stop.
   *
   * @why It has ended already, or runs with another configuration file or lock directory.
   * @do See what runs with `walvault list-processes SERVER`, and why it ended in its log file, which `walvault status SERVER`
   * names.
   * @retry fatal
   */
  | 'ERR_NOT_RUNNING'
  /**
   * A process runs that must not: it did not end in time after it was told to, or has to be stopped first.
   *
   * @why It is finishing a large file, waits for a disk or a network mount that does not answer, or was simply not stopped yet.
   * @do Stop it and wait: `walvault receive-wal --stop SERVER`. If it does not end, look at its log; as a last resort `kill -9
   * PID`, which loses nothing that was acknowledged.
   * @retry fatal
   */
  | 'ERR_STILL_RUNNING'
  /**
   * The server shut down in good order. Everything it had was received.
   *
   * @why Somebody stopped or restarted PostgreSQL.
   * @do Nothing: the receiver waits and goes on when the server is back. `walvault status SERVER` shows since when it waits.
   * @retry retry
   */
  | 'ERR_SERVER_SHUT_DOWN'
  /**
   * The replication slot cannot be used for streaming; the message says why.
   *
   * @why It is missing, in use, of another kind, or was invalidated because it held back more WAL than `max_slot_wal_keep_size`
   * allows.
   * @do See which it is with `walvault doctor SERVER`. A missing slot is made by `walvault receive-wal --create-slot SERVER`. An
   * invalidated one has lost WAL: drop it with `walvault receive-wal --drop-slot SERVER`, create it anew, and take a new base
   * backup.
   * @retry either only one that is in use comes free by itself
   */
  | 'ERR_SLOT_UNUSABLE'
  /**
   * The server no longer has the WAL that comes next: there is a hole between what is here and what the server can still send. It
   * is on record in `holes.json`.
   *
   * @why The receiver was away for longer than the server keeps WAL, and no slot held it back; or the slot was invalidated or
   * dropped.
   * @do With `gap_policy = stop` the receiver waits, and goes on by itself when the server has the WAL again: it can be copied
   * back into `pg_wal` from another archive or a standby while the server is stopped, or the connection can lead to a server that
   * has it. To accept the hole set `gap_policy = continue`, or run `walvault receive-wal --stop SERVER` and `walvault receive-wal
   * --reset SERVER`; then take a new base backup, since older ones cannot be recovered past the hole.
   * @retry either the receiver asks again from time to time, and goes on when the WAL is there
   */
  | 'ERR_WAL_REMOVED'
  /**
   * A server was looked at, and did not answer in the time that the look may take.
   *
   * @why The host is down, a firewall drops what is sent to it, the name service of this machine is slow, or the server hangs.
   * @do Ask `walvault doctor SERVER`, or try `psql` with the same connection string. The receiver is not stopped by this.
   * @retry retry
   */
  | 'ERR_NO_ANSWER_IN_TIME'
  /**
   * A server has WAL segments of another size than the archive, so that no file of one can be a file of the other.
   *
   * @why `heal_conninfo` or `--from` leads to another cluster.
   * @do Compare `SHOW wal_segment_size` of that server with the files of the archive, and correct the connection string: `walvault
   * heal-wal --dry-run SERVER`.
   * @retry fatal
   */
  | 'ERR_SEGMENT_SIZE_DIFFERS'
  /**
   * `holes.json`, the record of holes, does not hold what walvault writes there.
   *
   * @why The file was edited, or damaged by its disk.
   * @do Look at it, then move it away; a new one is begun. The holes that were on record in it are still holes: `walvault show-wal
   * SERVER` finds those inside of the archive.
   * @retry fatal
   */
  | 'ERR_HOLES_FILE'
  /**
   * `receive-wal.json` of a server does not hold the state of a receiver. It is a view for people and programs, and no WAL hangs on it.
   *
   * @why The machine lost its power while it was written, or it was edited.
   * @do Start the receiver (`walvault receive-wal SERVER`, or `walvault run`), which writes it anew. Where the receiver is not to
   * run any more, the file can be removed.
   * @retry fatal
   */
  | 'ERR_RECEIVER_STATE'
  /**
   * `run.json` of a server does not hold the state of `walvault run`. It is a view for people and probes, and nothing hangs on it.
   *
   * @why A loss of power or a full disk has left a part of it, or it was edited.
   * @do `run` writes it anew every ten seconds while it runs; if it stays, see whether the disk is full. Where `run` is not to run any
   * more, the file can be removed.
   * @retry fatal
   */
  | 'ERR_RUN_STATE'
  /**
   * `--reset` cannot help: what is here goes further than the WAL of the server. Nothing is ever removed for that; the message
   * names what is there.
   *
   * @why A file with a wrong name lies in the directory, the server is a standby that lags, or it was restored to an earlier
   * state.
   * @do A standby catches up by itself. Move away what lies there by mistake. If the server was restored, it has another history:
   * keep what is here, and receive it by a section of its own, with directories of its own.
   * @retry fatal
   */
  | 'ERR_RESET_AHEAD'
  /**
   * `setup --apply` was led to the server as a role that is not a superuser there. Nothing was changed.
   *
   * @why Roles, grants and settings of the server need a superuser; the role of `conninfo`, which is taken where no other is named,
   * rightly is none.
   * @do Name a superuser by `--superuser-conninfo`, or let somebody who is one run what `walvault setup SERVER` prints.
   * @retry fatal
   */
  | 'ERR_NOT_SUPERUSER'
  /**
   * A connection string on the command line holds a password, and was not used.
   *
   * @why Everybody on this machine can see the command lines of running processes.
   * @do Put the password into the password file (`~/.pgpass`) or into PGPASSWORD, and leave it out of the connection string. It was
   * seen for a moment: think of changing it.
   * @retry fatal
   */
  | 'ERR_PASSWORD_SHOWN';

/** A use case that cannot be carried out. */
export class CoreError extends WalvaultError {
  readonly code: CoreErrorCode;
  readonly retry: RetryAdvice;

  constructor(code: CoreErrorCode, message: string, options: WalvaultErrorOptions & { retry?: RetryAdvice } = {}) {
    super(message, options);
    this.code = code;
    this.retry = options.retry ?? 'fatal';
  }
}

/** The replication slot cannot be used for streaming. */
export class SlotUnusableError extends CoreError {
  /** What is wrong with it. */
  readonly problem: SlotVerdict['kind'];

  constructor(problem: SlotVerdict['kind'], message: string, options: WalvaultErrorOptions = {}) {
    super('ERR_SLOT_UNUSABLE', message, { ...options, retry: problem === 'inUse' ? 'retry' : 'fatal' });
    this.problem = problem;
  }
}
