/**
 * `restore-wal`, for restore_command: 0 when the file is there, checked; 1 only when the WAL provably ends there; 255 for a hole,
 * a bad file or any trouble, so that PostgreSQL stops instead of promoting with data missing.
 */
import { restoreServerWal } from '@walvault/core/restoring';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** What to restore. */
export interface RestoreWalRequest {
  readonly serverName: string;
  /** `%f` */
  readonly walFile: string;
  /** `%p`, relative to the data directory, which PostgreSQL makes the working directory. */
  readonly destination: string;
  readonly partial: boolean;
}

/** Runs the command; gives the exit code. Trouble is thrown, for the caller to end with 255. */
export async function restoreWalCommand(context: CommandContext, request: RestoreWalRequest): Promise<number> {
  const { serverName, walFile, destination, partial } = request;
  const server = await context.server(serverName);
  const outcome = await restoreServerWal(server, { name: walFile, destination, partial });
  if (outcome.kind === 'restored') return exitCode.ok;
  context.output.info(`WAL file '${walFile}' is not in the archive of server '${serverName}', which ends before it`);
  if (outcome.partialPath !== undefined)
    context.output.warning(`"${outcome.partialPath}" holds newer WAL; use restore-wal --partial to replay it`);
  return exitCode.error;
}
