/** Commands that show how a server, its configuration and this installation are. */
import { type Command, Option } from 'commander';
import { readPosition } from './quantities.ts';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addViewingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Inspecting:');
  program
    .command('replication-status <servers...>')
    .description('show who streams from the server, and what of it is durable here; `all` stands for every server')
    .option('--minimal', 'one line for each')
    .addOption(
      new Option('--target <which>', 'standbys that replay, or streamers such as walvault that do not')
        .choices(['all', 'hot-standby', 'wal-streamer'])
        .default('all'),
    )
    .addOption(
      new Option('--source <which>', 'ask the server of conninfo, or that of wal_conninfo')
        .choices(['backup-host', 'wal-host'])
        .default('backup-host'),
    )
    .action(async (servers: string[], options, command: Command) =>
      run(command, async (context) =>
        (await import('../commands/replication-status.ts')).replicationStatusCommand(context, servers, options),
      ),
    );
  program
    .command('show-servers <servers...>')
    .alias('show-server')
    .description('show all options of a server, and what it answers right now; `all` stands for every server')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/show-servers.ts')).showServersCommand(context, servers)),
    );
  program
    .command('diagnose')
    .description('print everything that a bug report needs, as JSON; there is no password in it')
    .option('--show-config-source', 'each option with the file and line where it was written')
    .action(async (options, command: Command) =>
      run(command, async (context) => (await import('../commands/diagnose.ts')).diagnoseCommand(context, options)),
    );
  program
    .command('sync-info')
    .argument('<server>')
    .argument('[last-wal]', 'name of the last WAL file that the copy has')
    .argument('[last-position]', 'where its line began in xlog.db, as told before', readPosition)
    .description('print as JSON what the archive has behind a WAL file, for a copy of the archive')
    .option('--primary', 'of a passive server: ask the installation that it is a copy of; not done here')
    .action(async (server, lastWal, lastPosition, { primary = false }, command: Command) =>
      run(command, async (context) =>
        (await import('../commands/sync-info.ts')).syncInfoCommand(context, server, { lastWal, lastPosition, primary }),
      ),
    );
  addConfigCommands(program, run);
}

function addConfigCommands(program: Command, run: Runner): void {
  const config = program.command('config').description('check the configuration, or show what counts');
  config
    .command('check [file]')
    .description('say all that is wrong with the configuration at once; exit code 0 when it can be used, 1 when not')
    .action(async (file: string | undefined, _options, command: Command) =>
      run(command, async (context) => (await import('../commands/config-check.ts')).configCheckCommand(context, file)),
    );
  config
    .command('show [servers...]')
    .description('show the options that are set, and where; without passwords')
    .option('--all', 'those that have their default, or none, as well')
    .action(async (servers: string[], options, command: Command) =>
      run(command, async (context) => (await import('../commands/config-show.ts')).configShowCommand(context, servers, options)),
    );
}
