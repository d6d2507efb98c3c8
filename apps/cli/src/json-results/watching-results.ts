/** Results of the commands that show how servers and receivers are. */
import { either, flag, list, lsn, map, number, object, oneOf, orNull, type Schema, text, time, whole } from './schema.ts';

/** One server of `list-servers`. */
export const listServers: Schema = object(
  {
    description: text('Its description, with ` (inactive)` or ` (Passive)` behind it, as Barman has it.'),
    active: flag('`active` of the section.'),
    passive: flag('Whether it is a copy of another installation.'),
  },
  'A server.',
);

/** One server of `status`. */
export const status: Schema = map(
  object({
    description: text('What it is, in words.'),
    message: text('The value, in words, as Barman has it.'),
    'value?': orNull(number('The same as a number, where it is one.')),
  }),
  'Facts by stable names.',
);

/** One server of `check`. */
export const check: Schema = map(
  object({
    status: oneOf(['OK', 'WARNING', 'FAILED'], 'What it came to.'),
    hint: text('Why, or what was seen; may be empty.'),
    'numbers?': map(orNull(number('A number.')), 'What was measured, by name.'),
  }),
  'Checks by their names, with underscores.',
);

const clientLsns = (what: string, words: string): Record<string, Schema> => ({
  [`${what}_lsn?`]: lsn(words),
  [`${what}_lsn_diff?`]: text('How far that is behind (negative) where the server writes, in words.'),
  [`${what}_lsn_diff_bytes?`]: whole('The same in bytes.'),
});

const client = object({
  name: text('Such as `Async WAL streamer`, `#1 Sync standby`.'),
  application_name: text('Its application_name.'),
  sync_stage: text('How much of what the server has written it has, in steps.'),
  communication: oneOf(['TCP/IP', 'Unix domain socket'], 'How it is connected.'),
  'ip_address?': text('Its address.'),
  'port?': orNull(whole('Its port.')),
  'host?': orNull(text('Its host name, where the server looks it up.')),
  user_name: text('Its role.'),
  current_state: orNull(text('`streaming`, `catchup`, ...')),
  current_sync_state: text('`async`, `sync`, `potential` or `quorum`.'),
  'replication_slot?': text('The slot that it streams by.'),
  wal_sender_pid: whole('Process on the server.'),
  started_at: orNull(text('When it connected, as Barman writes it.')),
  'standbys_xmin?': text('Its xmin.'),
  ...clientLsns('sent', 'Sent to it.'),
  ...clientLsns('write', 'Written by it.'),
  ...clientLsns('flush', 'Durable there.'),
  ...clientLsns('replay', 'Replayed by it.'),
  sync_priority: whole('0 for an asynchronous one.'),
  write_lag_ms: orNull(number('Time from flush on the server to write there.')),
  flush_lag_ms: orNull(number('... to flush there.')),
  replay_lag_ms: orNull(number('... to replay there.')),
});

const minimalClient = object({
  user_name: text('Its role.'),
  client_addr: text('Its address, or `socket`.'),
  sent_lsn: orNull(lsn('Sent to it.')),
  sync_priority: whole('0 for an asynchronous one.'),
  application_name: text('Its application_name.'),
  'write_lsn?': orNull(lsn('Of a streamer: written by it.')),
  'sync_state?': text('Of a standby: first letter of its sync_state.'),
  'flush_lsn?': orNull(lsn('Of a standby: durable there.')),
  'replay_lsn?': orNull(lsn('Of a standby: replayed.')),
});

const clients = list(either([client, minimalClient], 'A client; the short form with --minimal.'), 'Those who stream.');

/** One server of `replication-status`. */
export const replicationStatus: Schema = object(
  {
    'server_lsn?': lsn('Where the server writes; a standby: has received to. Missing when it could not be asked.'),
    'streaming_clients?': clients,
    'hot_standby_servers?': clients,
    'wal_streamers?': clients,
    'standby_info?': text('That there are none, in words.'),
    'durable_here?': orNull(
      object(
        {
          lsn: lsn('Behind the last byte that is durable here.'),
          lsn_diff: text('How far that is behind (negative) where the server writes, in words.'),
          lsn_diff_bytes: whole('The same in bytes.'),
          timeline: orNull(whole('Its timeline.')),
          published_at: time('When the receiver published that.'),
          receiver_pid: orNull(whole('The receiver; null when none runs.')),
        },
        'What walvault has.',
      ),
    ),
  },
  'Who streams from a server; empty when it could not be asked.',
);

const shown = either(
  [{ type: ['string', 'number', 'boolean', 'null'] }, list({ type: ['string'] }, 'Several.')],
  'Numbers and yes or no as such, everything else as its text; null when it is not set or not known.',
);

/** One server of `show-servers`. */
export const showServers: Schema = map(
  shown,
  'All options by their names, then what the server answers, in the names of Barman: `current_lsn`, `server_txt_version`, `wal_level`, ...',
);

/** One server of `list-processes`. */
export const listProcesses: Schema = list(
  object({ name: text('The task.'), pid: orNull(whole('The process; null when its lock file does not tell.')) }),
  'Processes at work.',
);

const remedy = object(
  {
    words: text('What to do, as a sentence; may be empty.'),
    sql: list(text('A statement.'), 'SQL to run on the server.'),
    pg_hba: list(text('A line.'), 'Lines for pg_hba.conf.'),
    'commands?': list(text('A command.'), 'Commands to run.'),
    'configuration?': list(text('A line.'), 'Lines for the configuration of walvault.'),
  },
  'What to do.',
);

/** One server of `doctor`. */
export const doctor: Schema = object(
  {
    status: text('The worst of all.'),
    problems: whole('How many.'),
    warnings: whole('How many.'),
    findings: list(
      object({
        step: text('Name of the step, the same in every version.'),
        about: orNull(text('What of several things it is about.')),
        status: text('How it is.'),
        what: text('What is there.'),
        why: orNull(text('What that means, or comes from.')),
        remedy: orNull(remedy),
      }),
      'In the order of the way from name resolution to the archive.',
    ),
  },
  'What is wrong with a server.',
);

/** One server of `setup`. */
export const setup: Schema = either(
  [
    object({ script: text('For psql.'), pg_hba: list(text('A line.'), 'Lines for pg_hba.conf.') }, 'What to do.'),
    object(
      {
        steps: list(
          object({
            step: text('What it is.'),
            state: oneOf(['done', 'already so', 'to do'], 'What became of it.'),
            statement: orNull(text('SQL that was run.')),
            remedy: orNull(remedy),
          }),
          'In order.',
        ),
      },
      'With --apply.',
    ),
  ],
  'What a server needs.',
);

/** One server of `run --check`. */
export const runCheck: Schema = object(
  {
    alive: flag('Whether the process that looks after it is there.'),
    ready: flag('Whether it receives and archives.'),
    reason: orNull(text('Why not.')),
    pid: orNull(whole('The process.')),
    receiver: orNull(text('Phase of the receiver.')),
    archiver: orNull(text('Phase of the archiver.')),
  },
  'With --check.',
);

/** One code of `explain`. */
export const explain: Schema = object(
  {
    means: text('What it means.'),
    why: orNull(text('Why it comes.')),
    do: text('What to do.'),
    retry: text('Whether trying again helps: `retry`, `fatal`, `either`.'),
    when: orNull(text('When it does.')),
  },
  'A page of the manual, under its title.',
);
