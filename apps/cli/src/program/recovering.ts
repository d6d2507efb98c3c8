/** Commands that give WAL back. */
import type { Command } from 'commander';
import { exitCode } from '../exit-code.ts';
import type { Runner } from './runner.ts';

/** Adds them. */
export function addRecoveringCommands(program: Command, run: Runner): void {
  program
    .command('get-wal <server> <wal-file>')
    .description('print a WAL file, decompressed; exit code 1 when it is not there')
    .option('-o, --output-directory <directory>', 'write it to this directory instead')
    .option('-P, --partial', 'take the partial segment when there is no complete one, filled up with zeros')
    .action(async (server: string, walFile: string, options, command: Command) =>
      run(
        command,
        async (context) => (await import('../commands/get-wal.ts')).getWalCommand(context, server, walFile, options),
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
