/** Commands that fill the archive and look after it. */
import type { Command } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addArchivingCommands(program: Command, run: Runner): void {
  program
    .command('archive-wal <server>')
    .description('move complete segments from the streaming directory to the archive')
    .action(async (server: string, _options, command: Command) =>
      run(command, async (context) => (await import('../commands/archive-wal.ts')).archiveWalCommand(context, server)),
    );
}
