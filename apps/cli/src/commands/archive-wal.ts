/** `archive-wal`: one pass over the streaming directory of a server. The lines are Barman's. */
import { archiveServer } from '@walvault/core';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Runs the command; gives the exit code. */
export async function archiveWalCommand(context: CommandContext, serverName: string): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (!server.active) {
    output.info(`Skipping inactive server '${server.name}'`);
    return exitCode.ok;
  }
  const batch = server.streamingArchiverBatchSize > 0 ? ` (batch size: ${server.streamingArchiverBatchSize})` : '';
  let headerIsDue = true;
  const header = (): void => {
    if (headerIsDue) output.info(`Processing xlog segments from streaming for ${server.name}${batch}`);
    headerIsDue = false;
  };
  const report = await archiveServer(server, {
    signal: context.stop,
    onArchived: (name) => {
      header();
      output.info(`\t${name}`);
    },
  });
  if (report === 'busy') {
    output.info(`Another archive-wal process is already running on server ${server.name}. Skipping to the next server`);
    return exitCode.ok;
  }
  header();
  return tell(context, server.name, report);
}
