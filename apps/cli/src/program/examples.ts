/**
 * Examples for the help of each command, and for the man page. Loaded for these alone. A test parses each of them, and wants one for
 * every command.
 */

/** A line that can be typed, and what it does. */
export type Example = readonly [line: string, does: string];

/** Examples by the words that call a command; `walvault` stands for the program itself. */
export const examples: Readonly<Record<string, readonly Example[]>> = {
  walvault: [
    ['walvault receive-wal --create-slot pg', 'once: have the server keep its WAL until it is here'],
    ['walvault cron', 'every minute: start what should run and does not'],
    ['walvault status pg', 'how it stands'],
    ['walvault restore-wal --print-command pg', 'the restore_command for postgresql.conf of a server that is to recover'],
  ],
  'receive-wal': [
    ['walvault receive-wal --create-slot pg', 'create the replication slot of section [pg]'],
    ['walvault receive-wal pg', 'receive in the background'],
    ['walvault receive-wal --foreground --wait pg', 'stay attached, and wait for a server that is not up yet'],
    ['walvault receive-wal --stop pg', 'stop it, with everything received made durable'],
    ['walvault receive-wal --reset pg', 'accept a hole, and go on where the server has WAL'],
  ],
  run: [
    ['walvault run', 'look after all servers until SIGTERM'],
    ['walvault run pg', 'look after this one only'],
    ['walvault run --check ready pg', 'a probe: is its WAL received and archived right now?'],
  ],
  cron: [['walvault -q cron', 'in a crontab, every minute']],
  'archive-wal': [
    ['walvault archive-wal pg', 'archive what is complete now'],
    ['walvault archive-wal --follow pg', 'stay, and archive each segment when it is complete'],
  ],
  'delete-wal': [
    ['walvault delete-wal --dry-run pg', 'say what wal_retention_policy would let go'],
    ['walvault delete-wal pg', 'delete it'],
  ],
  'put-wal': [
    ['walvault put-wal --test pg', 'would WAL be taken now?'],
    ['walvault put-wal pg < wal.tar', 'take WAL, as barman-wal-archive sends it by SSH'],
  ],
  'heal-wal': [
    ['walvault heal-wal --dry-run pg', 'what is damaged, and who has it'],
    ['walvault heal-wal pg', 'stream all of it again'],
    ["walvault heal-wal --from 'host=standby1 user=streaming_barman' pg", 'stream it from a standby'],
    ['walvault heal-wal --accept-holes pg', 'a new base backup was taken behind the holes: no more warnings'],
  ],
  'get-wal': [
    ['walvault get-wal pg 000000010000000A000000FF > segment', 'print a segment, decompressed'],
    ['walvault get-wal -P -o /tmp pg 000000010000000A000000FF', 'into /tmp, the partial one if need be'],
    ['walvault get-wal --peek 8 pg 000000010000000A000000FF', 'names of up to 8 segments from there on'],
  ],
  'restore-wal': [
    ['walvault restore-wal --print-command pg', 'the line for postgresql.conf'],
    ['walvault restore-wal pg 000000010000000A000000FF /tmp/segment', 'what PostgreSQL does by it'],
    [
      'walvault restore-wal --partial --prefetch 512MB --print-command pg',
      'recover to the last commit, with more room for prefetching',
    ],
  ],
  'list-servers': [
    ['walvault list-servers', 'all servers with their descriptions'],
    ['walvault list-servers --minimal', 'names only, for scripts'],
  ],
  check: [
    ['walvault check pg', 'one line a fact'],
    ['walvault check --nagios all', 'for Nagios and its like, with numbers'],
    ['walvault -f json check --check-timeout 5 pg', 'for programs, in five seconds at most'],
  ],
  status: [
    ['walvault status pg', 'one server'],
    ['walvault -f json status all', 'all servers, for programs'],
  ],
  'find-target': [
    [
      "walvault find-target --time '2026-07-01 12:00:00+02' pg",
      'the last commit before a time, and what to write to recover to it',
    ],
    ['walvault find-target --name before_upgrade pg', 'a restore point'],
    ['walvault find-target --xid 48213 pg', 'a transaction'],
  ],
  'verify-wal': [
    ['walvault verify-wal pg', 'check all of it; an interrupted run goes on where it was'],
    ['walvault verify-wal --quick pg', 'only names, sizes and first pages'],
    ['walvault verify-wal --from 16/B374D848 pg', 'from the segment that holds an LSN on'],
  ],
  'show-wal': [
    ['walvault show-wal pg', 'timelines, holes, sizes, verdicts'],
    ['walvault show-wal --segment 000000010000000A000000FF pg', 'all that is known of one segment'],
    ['walvault show-wal --stats record pg', 'what the WAL consists of'],
  ],
  'rebuild-catalog': [['walvault rebuild-catalog pg', 'read the whole archive of a server']],
  'rebuild-xlogdb': [['walvault rebuild-xlogdb all', 'for all servers']],
  'check-wal-archive': [
    ['walvault check-wal-archive pg', 'is the archive empty, so that a new server may fill it?'],
    ['walvault check-wal-archive --timeline 3 pg', 'the same for a server that was restored to timeline 3'],
  ],
  'switch-wal': [
    ['walvault switch-wal --force --archive pg', 'have a segment archived now, also on a quiet server'],
    ['walvault switch-wal all', 'on all servers'],
  ],
  'replication-status': [
    ['walvault replication-status pg', 'who streams, how far behind, and what is durable here'],
    ['walvault replication-status --minimal --target wal-streamer all', 'one line for each archive that streams'],
  ],
  'show-servers': [
    ['walvault show-servers pg', 'all options, and what the server answers'],
    ['walvault -f json show-servers all', 'of all servers, for programs'],
  ],
  diagnose: [
    ['walvault diagnose > report.json', 'for a bug report; look through it before you send it'],
    ['walvault diagnose --show-config-source', 'with the place of each option'],
  ],
  'sync-info': [
    ['walvault sync-info pg', 'all WAL from the first base backup on'],
    ['walvault sync-info pg 000000010000000A000000FF 40960', 'what was archived behind a file and its line in xlog.db'],
  ],
  'config check': [
    ['walvault config check', 'the file that would be used'],
    ['walvault config check /tmp/new.conf', 'a file before it is put in place'],
  ],
  'config show': [
    ['walvault config show pg', 'what is set for a server, and in which line of which file'],
    ['walvault config show --all', 'defaults as well'],
  ],
  'list-processes': [['walvault list-processes pg', 'what runs for a server, with process IDs']],
  'terminate-process': [['walvault terminate-process pg archive-wal', 'end an archiver']],
  'lock-directory-cleanup': [['walvault lock-directory-cleanup', 'remove what crashed processes left']],
  doctor: [
    ['walvault doctor pg', 'what is wrong on the way from the server to its archive, and what to run'],
    ['walvault doctor --json all', 'of all servers, for programs'],
  ],
  setup: [
    ['walvault setup pg', 'print a script for psql: roles, rights, settings, slot'],
    ["walvault setup pg --apply --superuser-conninfo 'host=db1 user=postgres'", 'do it, and say what is left to do by hand'],
  ],
  completion: [
    ['walvault completion bash > /etc/bash_completion.d/walvault', 'for bash, for everybody'],
    ['walvault completion zsh > /usr/local/share/zsh/site-functions/_walvault', 'for zsh'],
    ['walvault completion fish > ~/.config/fish/completions/walvault.fish', 'for fish'],
  ],
  explain: [
    ['walvault explain ERR_SLOT_MISSING', 'an error of walvault; explain slot_missing does, too'],
    ['walvault explain 58P01', 'an SQLSTATE of the server'],
    ['walvault explain --list', 'all codes'],
  ],
};

/** Examples as lines of a help text; empty when there are none. */
export function exampleLines(name: string): string {
  const own = examples[name] ?? [];
  if (own.length === 0) return '';
  return `\nExamples:\n${own.map(([line, does]) => `  # ${does}\n  ${line}`).join('\n')}`;
}
