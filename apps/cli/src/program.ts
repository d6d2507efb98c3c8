/** The command line: names, options and help of every command. The commands themselves are loaded when they are called. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { CommandContext, type GlobalOptions } from './context.ts';
import { exitCode } from './exit-code.ts';

type Run = (context: CommandContext) => Promise<number>;

/**
 * Builds the program.
 * @param stop aborted when the user or a supervisor wants the command to end
 * @param exit takes the exit code of the command that ran
 */
export function buildProgram(stop: AbortSignal, exit: (code: number) => void): Command {
  const program = new Command('walvault')
    .description('Receives, archives and gives back the write-ahead log of PostgreSQL servers.')
    .version(`walvault ${version()}`, '-v, --version', 'print the version')
    .option('-c, --config <file>', 'configuration file (default: ~/.walvault.conf, /etc/walvault.conf, then those of Barman)')
    .option('-q, --quiet', 'print errors and warnings only')
    .option('-d, --debug', 'log more')
    .addOption(new Option('-f, --format <format>', 'how to print results').choices(['console', 'json']).default('console'))
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', '\nFor recovery, in postgresql.conf:\n  restore_command = \'walvault restore-wal SERVER %f "%p"\'')
    .showHelpAfterError('(run with --help for the usage)')
    .configureHelp({ sortSubcommands: true })
    .exitOverride();

  const run = (command: Command, work: Run, whenItFails: number = exitCode.error): Promise<void> =>
    runCommand(new CommandContext(command.optsWithGlobals<GlobalOptions>(), stop), work, { exit, whenItFails });
  addReceiverCommands(program, run);
  addArchiveCommands(program, run);
  addInspectionCommands(program, run);
  return program;
}

type Runner = (command: Command, work: Run, whenItFails?: number) => Promise<void>;

async function runCommand(
  context: CommandContext,
  work: Run,
  options: { exit: (code: number) => void; whenItFails: number },
): Promise<void> {
  try {
    options.exit(await work(context));
  } catch (error) {
    context.output.error(error);
    options.exit(options.whenItFails);
  }
  context.output.finish();
}

function addReceiverCommands(program: Command, run: Runner): void {
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
      run(command, async (context) => (await import('./commands/receive-wal.ts')).receiveWalCommand(context, server, options)),
    );
  program
    .command('cron')
    .description('start the receivers and archivers that should run and do not; call it every minute')
    .action(async (_options, command: Command) =>
      run(command, async (context) => (await import('./commands/cron.ts')).cronCommand(context)),
    );
}

function addArchiveCommands(program: Command, run: Runner): void {
  program
    .command('archive-wal <server>')
    .description('move complete segments from the streaming directory to the archive')
    .action(async (server: string, _options, command: Command) =>
      run(command, async (context) => (await import('./commands/archive-wal.ts')).archiveWalCommand(context, server)),
    );
  program
    .command('get-wal <server> <wal-file>')
    .description('print a WAL file, decompressed; exit code 1 when it is not there')
    .option('-o, --output-directory <directory>', 'write it to this directory instead')
    .option('-P, --partial', 'take the partial segment when there is no complete one, filled up with zeros')
    .action(async (server: string, walFile: string, options, command: Command) =>
      run(
        command,
        async (context) => (await import('./commands/get-wal.ts')).getWalCommand(context, server, walFile, options),
        exitCode.trouble,
      ),
    );
  program
    .command('restore-wal <server> <wal-file> <destination>')
    .description(
      'for restore_command: place a checked WAL file; exit code 1 only behind the end of the archive, 255 on any trouble',
    )
    .option('-P, --partial', 'take the partial segment when there is no complete one, filled up with zeros')
    .action(async (server: string, walFile: string, destination: string, options, command: Command) =>
      run(
        command,
        async (context) =>
          (await import('./commands/restore-wal.ts')).restoreWalCommand(context, {
            serverName: server,
            walFile,
            destination,
            partial: options.partial === true,
          }),
        exitCode.trouble,
      ),
    );
}

function addInspectionCommands(program: Command, run: Runner): void {
  program
    .command('list-servers')
    .description('list the configured servers')
    .option('--minimal', 'names only')
    .action(async (options, command: Command) =>
      run(command, async (context) => (await import('./commands/list-servers.ts')).listServersCommand(context, options)),
    );
  program
    .command('status <servers...>')
    .description('show positions, lag, archive and last error; `all` stands for every server')
    .action(async (servers: string[], _options, command: Command) =>
      run(command, async (context) => (await import('./commands/status.ts')).statusCommand(context, servers)),
    );
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}
