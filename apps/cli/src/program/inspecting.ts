/** Commands that look and change nothing. */
import type { Command } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addInspectingCommands(program: Command, run: Runner): void {
  program
    .command('list-servers')
    .description('list the configured servers')
    .option('--minimal', 'names only')
    .action(async (options, command: Command) =>
      run(command, async (context) => (await import('../commands/list-servers.ts')).listServersCommand(context, options)),
    );
  program
    .command('status <servers...>')
    .description('show positions, lag, archive and last error; `all` stands for every server')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/status.ts')).statusCommand(context, servers)),
    );
}
