/** Commands that mend what stands beside the archive. */
import type { Command } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addMaintainingCommands(program: Command, run: Runner): void {
  program
    .command('rebuild-catalog <servers...>')
    .description('make the catalogue (walvault.sqlite) anew from the files of the archive; `all` stands for every server')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/rebuild-catalog.ts')).rebuildCatalogCommand(context, servers)),
    );
}
