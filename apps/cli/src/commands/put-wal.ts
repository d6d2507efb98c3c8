/** `put-wal`: takes WAL files from standard input, for the archive_command of a server. Messages and exit codes are Barman's. */
import { addAbortSignal } from 'node:stream';
import { putServerWal } from '@walvault/core/incoming';
import { WalvaultError } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError } from '../output.ts';
import { sshSuffix } from '../ssh-client.ts';

/** Options of the command. */
export interface PutWalCommandOptions {
  readonly test?: boolean | undefined;
}

/** Runs the command; gives the exit code. With 0 the files are durable here, and PostgreSQL may remove its own. */
export async function putWalCommand(context: CommandContext, serverName: string, options: PutWalCommandOptions): Promise<number> {
  const { output, stop } = context;
  const server = await context.server(serverName);
  if (!server.active) {
    output.failure(`Inactive server: ${server.name}`, 'Set active = true in its section.');
    return exitCode.error;
  }
  if (!server.archiver) output.warning(`archiver is off for server ${server.name}: nothing archives what put-wal takes`);
  if (options.test === true) {
    output.info(`Ready to accept WAL files for the server ${server.name}`);
    return exitCode.ok;
  }
  try {
    const report = await putServerWal(server, addAbortSignal(stop, process.stdin));
    for (const line of report.badChecksumLines)
      output.warning(`Bad checksum line '${line}' found in put-wal for server '${server.name}'${sshSuffix()}`);
    for (const file of report.files)
      if (file.kind === 'conflict')
        output.warning(`'${file.name}' waits in the incoming directory with other content; this one went to ${file.movedTo}`);
    return exitCode.ok;
  } catch (error) {
    if (!WalvaultError.is(error)) throw error;
    const { message, hint, code } = describeError(error);
    output.failure(`${message}${sshSuffix()}`, hint, code);
    return exitCode.error;
  }
}
