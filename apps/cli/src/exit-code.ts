/** Exit codes, as Barman has them where the command is Barman's. */
export const exitCode = {
  ok: 0,
  /** Any error; for get-wal and restore-wal: the file is not there. */
  error: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** check --nagios: something needs somebody soon. */
  warning: 1,
  /** check --nagios: something is wrong. */
  critical: 2,
  /** heal-wal: something is still missing or bad. */
  unhealed: 2,
  /** get-wal: not the name of a WAL file, or an output directory that cannot be written. */
  badName: 3,
  /** verify-wal: something is bad or missing. */
  bad: 2,
  /** verify-wal: nothing is known to be wrong, but not all is known to be right. */
  unknown: 3,
  /** Who read the output has gone away. A shell says the same of cat, which dies by SIGPIPE then. */
  closedPipe: 141,
  /** get-wal and restore-wal: trouble. PostgreSQL stops a recovery on codes above 125 and goes on, as at the end of the archive, on others. */
  trouble: 255,
} as const;
