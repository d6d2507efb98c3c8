/** Commands that look after the archive as a whole, and mend what stands beside it. */
import type { Command } from 'commander';
import { readCount } from './quantities.ts';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addMaintainingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Maintaining:');
  program
    .command('rebuild-catalog <servers...>')
    .description('make the catalogue (walvault.sqlite) anew from the files of the archive; `all` stands for every server')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/rebuild-catalog.ts')).rebuildCatalogCommand(context, servers)),
    );
  program
    .command('rebuild-xlogdb <servers...>')
    .description('make the list of archived files anew from the files; `all` stands for every server')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/rebuild-xlogdb.ts')).rebuildXlogDbCommand(context, servers)),
    );
  program
    .command('check-wal-archive <server>')
    .description('say whether the WAL of a new server may go into the archive; exit code 1 when not')
    .option('--timeline <id>', 'the timeline that the new server begins with; files of earlier ones may be there', readCount)
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) =>
        (await import('../commands/check-wal-archive.ts')).checkWalArchiveCommand(context, server, options),
      ),
    );
}
