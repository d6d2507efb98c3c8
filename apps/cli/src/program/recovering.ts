/** Commands that give WAL back. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCode } from '../exit-code.ts';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addRecoveringCommands(program: Command, run: Runner): void {
  program
    .command('get-wal <server> <wal-file>')
    .description('print a WAL file, decompressed; exit code 1 when it is not there')
    .option('-o, --output-directory <directory>', 'write it to this directory instead')
    .option('-P, --partial', 'take the partial segment when there is no complete one, filled up with zeros')
    .addOption(new Option('-z, --gzip', 'compress the output with gzip').conflicts(['bzip2', 'keepCompression']))
    .addOption(new Option('-x', 'the same as --gzip').implies({ gzip: true }).conflicts(['bzip2', 'keepCompression']))
    .addOption(new Option('-j, --bzip2', 'compress the output with bzip2').conflicts('keepCompression'))
    .option('--keep-compression', 'give the file as it is stored, compressed or not')
    .option('-p, --peek <count>', 'print the names of up to so many files that follow without a gap, from this one on', positive)
    .option('-t, --test', 'say whether the server is configured, and nothing else')
    .action(async (serverName: string, walFile: string, options, command: Command) =>
      run(
        command,
        async (context) => (await import('../commands/get-wal.ts')).getWalCommand(context, { serverName, walFile, ...options }),
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
          (await import('../commands/restore-wal.ts')).restoreWalCommand(context, {
            serverName: server,
            walFile,
            destination,
            partial: options.partial === true,
          }),
        exitCode.trouble,
      ),
    );
}

/** A count of at least one. */
function positive(text: string): number {
  const count = Number(text);
  if (!/^\d{1,9}$/.test(text) || count === 0) throw new InvalidArgumentError('A whole number of at least 1 is wanted.');
  return count;
}
