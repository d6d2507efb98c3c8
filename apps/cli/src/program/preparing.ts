/** Commands that prepare a server, and find out what is wrong on the way to it. */
import { type Command, Option } from 'commander';
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
  program
    .command('setup <server>')
    .description('print what the server needs for its section: roles, rights, settings, slot, pg_hba.conf; a script for psql')
    .option('--apply', 'do it, as far as SQL can, and say what is left to do by hand')
    .addOption(
      new Option(
        '--superuser-conninfo <conninfo>',
        'with --apply: connect so, in place of conninfo; a password does not belong here',
      ),
    )
    .addHelpText('after', '\nWith --apply the exit code is 0 when nothing is left to do, 1 when something is.')
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/setup.ts')).setupCommand(context, server, options)),
    );
}
