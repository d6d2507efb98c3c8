/** Commands that give WAL back. */
import { type Command, Option } from 'commander';
import { exitCode } from '../exit-code.ts';
import { readBytes, readCount, readSeconds } from './quantities.ts';
import type { Run, Runner } from './runner.ts';

/** Adds them. */
export function addRecoveringCommands(program: Command, run: Runner): void {
  program.commandsGroup('Recovering:');
  program
    .command('get-wal <server> <wal-file>')
    .description('print a WAL file, decompressed; exit code 1 when it is not there')
    .option('-o, --output-directory <directory>', 'write it to this directory instead')
    .option('-P, --partial', 'take the partial segment when there is no complete one, filled up with zeros')
    .addOption(new Option('-z, --gzip', 'compress the output with gzip').conflicts(['bzip2', 'keepCompression']))
    .addOption(new Option('-x', 'the same as --gzip').implies({ gzip: true }).conflicts(['bzip2', 'keepCompression']))
    .addOption(new Option('-j, --bzip2', 'compress the output with bzip2').conflicts('keepCompression'))
    .option('--keep-compression', 'give the file as it is stored, compressed or not')
    .option('-p, --peek <count>', 'print the names of up to so many files that follow without a gap, from this one on', readCount)
    .option('-t, --test', 'say whether the server is configured, and nothing else')
    .action(async (serverName: string, walFile: string, options, command: Command) =>
      run(
        command,
        async (context) => (await import('../commands/get-wal.ts')).getWalCommand(context, { serverName, walFile, ...options }),
        exitCode.trouble,
      ),
    );
  addRestoreWal(program, run);
  program
    .command('prefetch-wal <server> <spool> <bytes>', { hidden: true })
    .description('make ready what recovery will ask for; restore-wal starts this by itself')
    .action(async (serverName: string, spoolDirectory: string, bytes: string, _options, command: Command) =>
      run(command, async (context) => {
        const { prefetchWalCommand } = await import('../commands/prefetch-wal.ts');
        return prefetchWalCommand(context, { serverName, spoolDirectory, bytes: Number(bytes) });
      }),
    );
}

/** As commander reads them. */
interface RestoreWalOptions {
  readonly partial?: true;
  readonly prefetch?: number;
  readonly spoolDir?: string;
  readonly retryFor?: number;
  readonly verify: boolean;
  readonly printCommand?: true;
}

const defaultRetrySeconds = 30;

function addRestoreWal(program: Command, run: Runner): void {
  program
    .command('restore-wal <server> [wal-file] [destination]')
    .description(
      'for restore_command: place a checked WAL file; exit code 1 only behind the end of the archive, 255 on any trouble',
    )
    .option('-P, --partial', 'take the partial segment when there is no complete one, filled up with zeros')
    .option('--prefetch <bytes>', 'room for segments that are made ready ahead (default: 256MB), 0 for none', readBytes)
    .option('--spool-dir <directory>', 'where they are kept (default: .walvault beside the destination)')
    .option('--retry-for <seconds>', `try again in trouble that may pass (default: ${defaultRetrySeconds})`, readSeconds)
    .option('--no-verify', 'do not look at the records: to recover to a point before damage; nothing is prefetched then')
    .option('--print-command', 'print the line for postgresql.conf instead')
    .action(async (server: string, walFile: string | undefined, destination: string | undefined, _options, command: Command) => {
      if (command.opts<RestoreWalOptions>().printCommand === true) return run(command, printing(server, command));
      if (walFile === undefined) command.error("error: missing required argument 'wal-file'");
      if (destination === undefined) command.error("error: missing required argument 'destination'");
      return run(command, restoring({ server, walFile, destination }, command), exitCode.trouble);
    });
}

function restoring(words: { server: string; walFile: string; destination: string }, command: Command): Run {
  return async (context) => {
    const { restoreWalCommand } = await import('../commands/restore-wal.ts');
    const { partial, verify, prefetch, spoolDir, retryFor = defaultRetrySeconds } = command.opts<RestoreWalOptions>();
    return restoreWalCommand(context, {
      serverName: words.server,
      walFile: words.walFile,
      destination: words.destination,
      partial: partial === true,
      verify,
      prefetchBytes: prefetch,
      spoolDirectory: spoolDir,
      retryForMs: retryFor * 1000,
    });
  };
}

function printing(serverName: string, command: Command): Run {
  return async (context) => {
    const { printRestoreCommand } = await import('../commands/print-restore-command.ts');
    const { partial, verify, prefetch, spoolDir, retryFor } = command.opts<RestoreWalOptions>();
    return printRestoreCommand(context, {
      serverName,
      partial: partial === true,
      verify,
      prefetchBytes: prefetch,
      spoolDirectory: spoolDir,
      retryForMs: retryFor === undefined ? undefined : retryFor * 1000,
    });
  };
}
