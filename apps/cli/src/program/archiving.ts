/** Commands that fill the archive and look after it. */
import { type Command, Option } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addArchivingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Archiving:');
  program
    .command('archive-wal <server>')
    .description('move complete segments from the streaming and incoming directories to the archive')
    .option('--follow', 'stay, and archive what becomes complete as soon as it is')
    .option(
      '--with-parent',
      'with --follow: end when the standard input is closed, as it is when the process at its other end is gone',
    )
    .addOption(new Option('--log-file <file>', 'with --follow: log to this file').hideHelp())
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/archive-wal.ts')).archiveWalCommand(context, server, options)),
    );
  program
    .command('delete-wal <server>')
    .description('delete the archived WAL that wal_retention_policy lets go; cron does it once an hour')
    .option('--dry-run', 'only say what would be deleted')
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/delete-wal.ts')).deleteWalCommand(context, server, options)),
    );
  program
    .command('put-wal <server>')
    .description('for archive_command: take WAL files with their checksums as a tar archive from standard input')
    .option('-t, --test', 'say whether the server is ready to accept WAL files, and nothing else')
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/put-wal.ts')).putWalCommand(context, server, options)),
    );
  program
    .command('heal-wal <server> [wal-files...]')
    .description('stream segments again that are missing or bad in the archive; exit code 2 when some still are')
    .option('--dry-run', 'only say what is damaged, and which server has it')
    .option('--from <conninfo>', 'stream from there, in place of the server and heal_conninfo')
    .addOption(
      new Option(
        '--accept-holes',
        'heal nothing, but note that the holes which streaming has passed are known; check does not warn of them any more',
      ).conflicts(['dryRun', 'from']),
    )
    .action(async (server: string, walFiles: string[], options, command: Command) =>
      run(command, async (context) =>
        (await import('../commands/heal-wal.ts')).healWalCommand(context, server, walFiles, options),
      ),
    );
}
