/** Commands that explain the program. */
import { Argument, type Command } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addExplainingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Explaining:');
  program.helpCommand('help [command]', 'print the help of a command');
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that will read it').choices(['bash', 'zsh', 'fish']))
    .description('print the script by which a shell completes commands, options and names of servers')
    .action(async (shell: 'bash' | 'zsh' | 'fish', _options, command: Command) =>
      run(command, async (context) => (await import('../commands/completion.ts')).completionCommand(context, shell)),
    );
  program
    .command('complete-words [words...]', { hidden: true })
    .description('name the words that the last of these may be the beginning of; shells ask this')
    .action(async (words: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/completion.ts')).completeWordsCommand(context, program, words)),
    );
  program
    .command('explain [code]')
    .description('tell what an error means, why it comes and what to do: by its code, ERR_... or SQLSTATE')
    .option('--list', 'list all codes')
    .action(async (code: string | undefined, options, command: Command) =>
      run(command, async (context) => (await import('../commands/explain.ts')).explainCommand(context, code, options)),
    );
}
