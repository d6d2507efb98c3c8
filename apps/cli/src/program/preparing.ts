/** Commands that prepare a server, and find out what is wrong on the way to it. */
import type { Command } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addPreparingCommands(program: Command, run: Runner): void {
  program
    .command('doctor <servers...>')
    .description('say what is wrong on the way from a server to its archive, why, and what to run; `all` for every server')
    .option('--json', 'the same as -f json')
    .addHelpText('after', '\nNothing is changed, neither on the server nor here. Exit code: 0 no problem, 1 a problem.')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('../commands/doctor.ts')).doctorCommand(context, servers)),
    );
}
