/** Commands that explain the program. */
import type { Command } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addExplainingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Explaining:');
  program.helpCommand('help [command]', 'print the help of a command');
  program
    .command('explain [code]')
    .description('tell what an error means, why it comes and what to do: by its code, ERR_... or SQLSTATE')
    .option('--list', 'list all codes')
    .action(async (code: string | undefined, options, command: Command) =>
      run(command, async (context) => (await import('../commands/explain.ts')).explainCommand(context, code, options)),
    );
}
