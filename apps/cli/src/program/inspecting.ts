/** Commands that look and change nothing. */
import { type Command, Option } from 'commander';
import { readCount, readSeconds, readTimelineId } from './quantities.ts';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addInspectingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Inspecting:');
  program
    .command('list-servers')
    .alias('list-server')
    .description('list the configured servers')
    .option('--minimal', 'names only')
    .action(async (options, command: Command) =>
      run(command, async (context) => (await import('../commands/list-servers.ts')).listServersCommand(context, options)),
    );
  addLooks(program, run);
  program
    .command('find-target <server>')
    .description('find a recovery target in the WAL: where it lies, whether it can be reached, what to write for it')
    .option('--time <time>', "a time, such as '2026-07-01 12:00:00.5+02'; without a zone it is local time")
    .option('--lsn <lsn>', 'a position, such as 16/B374D848')
    .option('--xid <id>', 'a transaction')
    .option('--name <name>', 'a restore point')
    .option('--timeline <id>', 'only on the way to this timeline', readTimelineId)
    .option('--exclusive', 'stop before the target instead of behind it')
    .addOption(
      new Option('--action <action>', 'what the server does when it is there')
        .choices(['pause', 'promote', 'shutdown'])
        .default('pause'),
    )
    .option('--list-restore-points', 'list all restore points instead')
    .option('--json', 'the same as -f json')
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/find-target.ts')).findTargetCommand(context, server, options)),
    );
  program
    .command('verify-wal <server>')
    .description('check every page and record of the WAL, and that nothing is missing')
    .option('--from <segment|LSN>', 'begin with this segment, or the one that holds this LSN')
    .option('--to <segment|LSN>', 'end with this one')
    .option('--timeline <id>', 'only segments of this timeline', readTimelineId)
    .option('--quick', 'names, sizes and first pages only, and what the catalogue says')
    .option('--restart', 'begin anew, whatever an interrupted run has done')
    .option('--json', 'the same as -f json')
    .addHelpText('after', '\nExit code: 0 good, 1 trouble, 2 something is bad or missing, 3 not all could be told.')
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/verify-wal.ts')).verifyWalCommand(context, server, options)),
    );
  program
    .command('show-wal <server>')
    .description('show what the archive holds: timelines, holes, sizes, verdicts')
    .option('--segment <name>', 'all that is known of one segment')
    .addOption(new Option('--stats [what]', 'count records as pg_waldump --stats does').choices(['record']).conflicts('segment'))
    .option('--timeline <id>', 'with --stats: on the way to this timeline instead of the newest', readTimelineId)
    .option('--days <n>', 'tell about this many days', readCount, 14)
    .option('--json', 'the same as -f json')
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/show-wal.ts')).showWalCommand(context, server, options)),
    );
}

/** Looks at servers as a whole. */
function addLooks(program: Command, run: Runner): void {
  program
    .command('check <servers...>')
    .description('check that all is well; exit code 1 when something is not; `all` stands for every server')
    .option('--nagios', 'say it as a Nagios plug-in does; exit code 0 OK, 1 WARNING, 2 CRITICAL')
    .option(
      '--check-timeout <seconds>',
      'how long the check of a server may take, in place of check_timeout; 0 for no limit',
      readSeconds,
    )
    .action(async (servers: string[], options: { nagios?: boolean; checkTimeout?: number }, command: Command) =>
      run(command, async (context) => {
        const { nagios, checkTimeout: seconds } = options;
        const checkTimeout = seconds === undefined ? undefined : seconds * 1000;
        return (await import('../commands/check.ts')).checkCommand(context, servers, { nagios, checkTimeout });
      }),
    );
  program
    .command('status <servers...>')
    .description('show positions, lag, archive and last error; `all` stands for every server')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/status.ts')).statusCommand(context, servers)),
    );
}
