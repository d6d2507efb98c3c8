/** Results of the commands that act, and of those about the configuration and this installation. */
import { backups } from './archive-results.ts';
import { anything, either, flag, list, map, number, object, oneOf, orNull, type Schema, text, time, whole } from './schema.ts';
import { showServers } from './watching-results.ts';

/** One server of `switch-wal`. */
export const switchWal: Schema = object(
  {
    outcome: oneOf(['closed', 'notRequired', 'standby'], 'Whether a segment was closed, none had to be, or none could be.'),
    closed_wal: orNull(text('The segment that was closed.')),
    archived_wal: orNull(text('With --archive: the one that is in the archive now.')),
  },
  'What came of it.',
);

/** `lock-directory-cleanup`. */
export const lockDirectoryCleanup = { removed: list(text('A name.'), 'Lock files that were removed.') };

const problem = object({
  file: text('The file.'),
  line: orNull(whole('The line.')),
  section: orNull(text('The section.')),
  option: orNull(text('The option.')),
  message: text('What is wrong.'),
  hint: orNull(text('What to do.')),
});

/** `config check`. */
export const configCheck = {
  configuration: object(
    {
      file: text('The main file.'),
      files: list(text('A path.'), 'All that were read, in that order.'),
      valid: flag('Whether it can be used.'),
      servers: list(text('A name.'), 'The servers.'),
      problems: list(problem, 'What has to be corrected.'),
      warnings: list(problem, 'What is hardly meant so.'),
    },
    'The configuration.',
  ),
};

const sourcedSetting = object({
  value: either([{ type: ['string', 'number', 'boolean', 'null'] }], 'What counts.'),
  source: text('`FILE:LINE`, or `default`.'),
});

/** A section of `config show`. */
export const configShow: Schema = map(sourcedSetting, 'Options by name: `barman` has the global ones.');

const wal = {
  name: text('The file.'),
  size: whole('Its bytes in the archive.'),
  time: number('Its modification time, in seconds since 1970.'),
  compression: orNull(text('Its compression.')),
};

/** `sync-info`. */
export const syncInfo = {
  last_position: whole('Where the last line of xlog.db begins: to be given the next time.'),
  last_name: text('The file of that line.'),
  backups,
  wals: list(object({ ...wal, 'encryption?': text('Its encryption.') }), 'What was archived behind the file that was given.'),
  version: text('Of walvault.'),
  config: showServers,
};

/** What could not be found out. */
const reportedError = object({
  code: text('`ERR_...`'),
  message: text('What stood in the way.'),
  hint: orNull(text('What to do.')),
  at: time('When.'),
});

function orError(schema: Schema, description: string): Schema {
  return either([schema, reportedError], description);
}

const directory = either(
  [
    object({
      path: text('The path.'),
      mode: text('Octal.'),
      uid: whole('Owner.'),
      gid: whole('Group.'),
      entries: whole('Names in it.'),
      free_bytes: whole('Free for users.'),
      total_bytes: whole('Size of the file system.'),
      file_system: text('Its type, as statfs(2) tells it.'),
    }),
    object({ path: text('The path.'), error: text('Why it cannot be looked at: `ENOENT`, ...') }),
  ],
  'A directory.',
);

const diagnosedServer = object({
  config: either([showServers, configShow], 'Its options; with --show-config-source each with its place.'),
  status: map(anything('As in show-servers.'), 'What it answered; empty for one that is not asked.'),
  backups: orError(backups, 'Its base backups.'),
  wals: object({
    last_archived_wal_per_timeline: orError(
      map(object(wal), 'By timeline, in eight digits.'),
      'The last segment of each timeline.',
    ),
  }),
  msg_list: list(text('A message.'), 'Always empty: what Barman reports here is an error of the file.'),
  active_model: { type: 'null', description: 'There are no models.' },
  walvault: object(
    {
      receiver: orNull(map(anything('A member.'), 'State of the receiver; see state.md.')),
      run: orNull(map(anything('A member.'), 'What `run` published last of the server.')),
      processes: anything('Who holds which lock.'),
      holes: anything('The holes on record; see state.md.'),
      archive: anything('Timelines and holes of the archive.'),
      last_verification: anything('The last whole verification.'),
      directories: map(directory, 'By purpose.'),
      log_tail: orError(list(text('A line.'), 'Lines.'), 'The end of the log of the receiver.'),
    },
    'What only walvault has.',
  ),
});

/** `diagnose`. */
export const diagnose = {
  global: object({
    config: map(anything('A value.'), 'Options of the installation, the files they were read from, and `warnings`.'),
    system_info: object({
      walvault_ver: text('Version of walvault.'),
      node_ver: text('Version of Node.'),
      kernel_ver: text('The kernel.'),
      release: orNull(text('The distribution.')),
      timestamp: time('Now.'),
      time_zone: text('Of this machine.'),
      cpus: whole('That may be used.'),
      memory_bytes: whole('Of the machine.'),
      uid: whole('Of the user.'),
      libraries: map(anything('A version.'), 'Versions of libraries.'),
    }),
  }),
  models: object({}, 'There are none.'),
  servers: map(diagnosedServer, 'By name.'),
};
