/** `archive-wal`: one pass over the streaming directory of a server. The lines are Barman's. */
import { archiveServer, type FileResult } from '@walvault/core';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import type { Output } from '../output.ts';

/** Runs the command; gives the exit code. */
export async function archiveWalCommand(context: CommandContext, serverName: string): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (!server.active) {
    output.info(`Skipping inactive server '${server.name}'`);
    return exitCode.ok;
  }
  const batch = server.streamingArchiverBatchSize > 0 ? ` (batch size: ${server.streamingArchiverBatchSize})` : '';
  const header = `Processing xlog segments from streaming for ${server.name}${batch}`;
  let isFirst = true;
  const onFile = (result: FileResult): void => {
    if (isFirst) output.info(header);
    isFirst = false;
    tellFile(output, server.name, result);
  };
  const report = await archiveServer(server, { signal: context.stop, onFile });
  if (report === 'busy') {
    output.info(`Another archive-wal process is already running on server ${server.name}. Skipping to the next server`);
    return exitCode.ok;
  }
  if (isFirst) output.info(`${header}\n\tno file found`);
  tellUnknown(output, server.name, report.files);
  return exitCode.ok;
}

/** Unknown objects have a block of their own at the end; everything else is told as it happens. */
function tellFile(output: Output, serverName: string, result: FileResult): void {
  switch (result.kind) {
    case 'archived':
    case 'duplicate':
      output.info(`\t${result.name}`);
      return;
    case 'conflict':
      output.info(`\tError: ${result.name} is already present in server ${serverName}. File moved to errors directory.`);
      return;
    case 'invalid':
      output.info(`\tError: ${result.error.message}. File moved to errors directory: ${result.movedTo}`);
      return;
    case 'blank':
      output.info(`\t${result.name} (nothing was written to it; removed)`);
      return;
    case 'unknown':
      return;
  }
}

function tellUnknown(output: Output, serverName: string, files: readonly FileResult[]): void {
  const unknown = files.filter((file) => file.kind === 'unknown');
  if (unknown.length === 0) return;
  output.info(
    `Some unknown objects have been found while processing xlog segments for ${serverName}. Objects moved to errors directory:`,
  );
  for (const { name } of unknown) output.info(`\t${name}`);
}
