/** Commands that act on what runs: the server's WAL, processes, and their locks. */
import type { Command } from 'commander';
import { readSeconds } from './quantities.ts';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addOperatingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Operating:');
  program
    .command('switch-wal <servers...>')
    .alias('switch-xlog')
    .description('make the server close the current WAL segment, so that it can be archived; `all` stands for every server')
    .option('--force', 'do a checkpoint first, so that there is something to close')
    .option('--archive', 'wait until the segment is in the archive, and archive it if nobody else does')
    .option('--archive-timeout <seconds>', 'with --archive: how long to wait', readSeconds, 30)
    .action(async (servers: string[], options, command: Command) =>
      run(command, async (context) => (await import('../commands/switch-wal.ts')).switchWalCommand(context, servers, options)),
    );
  program
    .command('list-processes <server>')
    .description('list the processes that are at work for a server')
    .action(async (server: string, _options, command: Command) =>
      run(command, async (context) => (await import('../commands/processes.ts')).listProcessesCommand(context, server)),
    );
  program
    .command('terminate-process <server> <task>')
    .description('end the process that does a task for a server, such as receive-wal, and wait until it has')
    .action(async (server: string, task: string, _options, command: Command) =>
      run(command, async (context) => (await import('../commands/processes.ts')).terminateProcessCommand(context, server, task)),
    );
  program
    .command('lock-directory-cleanup')
    .description('remove the lock files that no process holds')
    .action(async (_options, command: Command) =>
      run(command, async (context) =>
        (await import('../commands/lock-directory-cleanup.ts')).lockDirectoryCleanupCommand(context),
      ),
    );
}
