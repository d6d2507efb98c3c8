/** Commands that receive WAL, and start what should run. */
import { type Command, Option } from 'commander';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addReceivingCommands(program: Command, run: Runner): void {
  program.commandsGroup('Receiving:');
  program
    .command('receive-wal <server>')
    .description('receive the WAL of a server, in the background; returns when the stream is running')
    .option('--foreground', 'stay attached, for service managers and containers')
    .option('--wait', 'keep trying when the server cannot be reached at the start')
    .addOption(new Option('--log-file <file>', 'with --foreground: log to this file').hideHelp())
    .addOption(new Option('--stop', 'stop the receiver that runs').conflicts(['createSlot', 'dropSlot']))
    .addOption(
      new Option('--reset', 'go on from the first WAL that the server has, when it no longer has the next').conflicts([
        'createSlot',
        'dropSlot',
      ]),
    )
    .addOption(
      new Option('--create-slot', 'create the replication slot, with its WAL reserved from now on').conflicts('dropSlot'),
    )
    .option('--if-not-exists', 'with --create-slot: a slot that is there already is fine')
    .option('--drop-slot', 'drop the replication slot')
    .action(async (server: string, options, command: Command) =>
      run(command, async (context) => (await import('../commands/receive-wal.ts')).receiveWalCommand(context, server, options)),
    );
  program
    .command('cron')
    .description('start the receivers and archivers that should run and do not; call it every minute')
    .option('--keep-descriptors', 'leave the processes that are started the standard output and error, as for Docker')
    .action(async (options, command: Command) =>
      run(command, async (context) => (await import('../commands/cron.ts')).cronCommand(context, options)),
    );
  program
    .command('run [servers...]')
    .description('look after all servers, or these, in one process: receive, archive, heal, delete, verify; no cron is needed')
    .addOption(
      new Option('--check [what]', 'only say whether run is alive, or also ready: receiving and archiving; 0 when it is, else 1')
        .choices(['alive', 'ready'])
        .argParser((what) => what)
        .preset('alive'),
    )
    .action(async (servers: string[], { check }: { check?: string }, command: Command) =>
      run(command, async (context) => {
        if (check === undefined) return (await import('../commands/run.ts')).runCommand(context, servers);
        const { runCheckCommand } = await import('../commands/run-check.ts');
        if (check === 'alive' || check === 'ready') return runCheckCommand(context, servers, check);
        // `run --check pg`: the name of a server, where the word may be left out.
        return runCheckCommand(context, [check, ...servers], 'alive');
      }),
    );
}
