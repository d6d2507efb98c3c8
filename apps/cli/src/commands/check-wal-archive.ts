/** `check-wal-archive`: may the WAL of a new server go into this archive? Lines and exit codes are Barman's. */
import { checkServerWalArchive } from '@walvault/core';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Options of the command. */
export interface CheckWalArchiveOptions {
  /** First timeline of the new server. */
  readonly timeline?: number | undefined;
}

/** Runs the command; gives the exit code. */
export async function checkWalArchiveCommand(
  context: CommandContext,
  serverName: string,
  { timeline }: CheckWalArchiveOptions,
): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (!server.active) {
    output.info(`Skipping inactive server '${server.name}'`);
    return exitCode.ok;
  }
  output.info(`Server ${server.name}:`);
  const { unwanted, unexpected } = await checkServerWalArchive(server, timeline);
  if (unwanted === 0 && unexpected === undefined) {
    output.info(` - WAL archive check for server ${server.name} passed`);
    output.result(server.name, `WAL archive check for server ${server.name} passed`);
    return exitCode.ok;
  }
  const files = unwanted === 1 ? '1 file' : `${unwanted} files`;
  const found =
    timeline === undefined
      ? 'Expected empty archive'
      : `Found ${files} in WAL archive equal to or newer than timeline ${timeline}`;
  const problem = unexpected === undefined ? found : `Unexpected file ${unexpected} found in WAL archive`;
  output.failure(
    `WAL archive check failed for server ${server.name}: ${problem}`,
    `Give the new server a section and directories of its own, or move away what is in "${server.directories.wals}".`,
  );
  return exitCode.error;
}
