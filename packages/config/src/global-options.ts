/** The options of the `[barman]` section that concern the whole installation. */
import { booleanType, oneOf, type OptionType, pathType, size, textType } from './option-types.ts';

/** One option: how it is written, where, what it is when it is not, and what it does. */
export interface OptionSpec<T> {
  readonly type: OptionType<T>;
  /** `global`: in [barman] only; `server`: in a server's section only; `both`: servers inherit it from [barman]. */
  readonly scope: 'global' | 'server' | 'both';
  /** Text of the default, interpolated like any value; undefined for an option that may stay unset. */
  readonly default?: string | undefined;
  /** What it does, as sentences for the reference page. */
  readonly doc: string;
  /** Not an option of Barman. */
  readonly own?: true | undefined;
}

/** A table of options: the spec of each has the type of its value. */
export type OptionTable<Values> = { readonly [Name in keyof Values]: OptionSpec<NonNullable<Values[Name]>> };

/** Severity from which on something is logged, in the words of Barman (those of Python). */
export type LogLevel = 'NOTSET' | 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** Values of the global options by their names. */
export interface GlobalValues {
  readonly barman_home: string;
  readonly barman_lock_directory: string;
  readonly barman_user: string;
  readonly config_changes_queue: string;
  readonly configuration_files_directory: string | undefined;
  readonly lock_directory_cleanup: boolean;
  readonly log_file: string | undefined;
  readonly log_format: string | undefined;
  readonly log_level: LogLevel;
  readonly verify_budget: number;
}

/** The table of the global options. */
export const globalOptions: OptionTable<GlobalValues> = {
  barman_home: { type: pathType, scope: 'global', doc: 'Main directory; required. Each server has a directory in it.' },
  barman_lock_directory: { type: pathType, scope: 'global', default: '%(barman_home)s', doc: 'Directory of the lock files.' },
  barman_user: {
    type: textType,
    scope: 'global',
    default: 'barman',
    doc: 'User that owns the files and should run the commands.',
  },
  config_changes_queue: {
    type: pathType,
    scope: 'global',
    default: '%(barman_home)s/cfg_changes.queue',
    doc: "Queue of Barman's config-update; not used.",
  },
  configuration_files_directory: {
    type: pathType,
    scope: 'global',
    doc: 'Directory whose *.conf files are read after the main file, in the order of their names.',
  },
  lock_directory_cleanup: {
    type: booleanType,
    scope: 'global',
    default: 'true',
    doc: 'Whether cron removes lock files that nobody uses any more.',
  },
  log_file: {
    type: pathType,
    scope: 'global',
    doc: 'File that receivers in the background log to; receive-wal.log in the directory of each server unless set.',
  },
  log_format: { type: textType, scope: 'global', doc: "Format of Barman's log lines; not used." },
  log_level: {
    type: oneOf('NOTSET', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'),
    scope: 'global',
    default: 'INFO',
    doc: 'Severity from which on messages are logged.',
  },
  verify_budget: {
    type: size('0'),
    scope: 'global',
    default: '4MB',
    doc: 'Bytes of WAL a second that `run` verifies in the background, of all servers together, one after another; 0 for none.',
    own: true,
  },
};
