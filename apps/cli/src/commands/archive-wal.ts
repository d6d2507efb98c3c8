/** `archive-wal`: one pass over the streaming directory of a server. The lines are Barman's. */
import { archiveServer, type FileResult, type ServerConfig } from '@walvault/core';
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
  warnOfWhatIsNotDone(output, server);
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

/** Who has configured it must not believe that it happens. */
function warnOfWhatIsNotDone(output: Output, { name, archiver, hooks }: ServerConfig): void {
  if (archiver) output.warning(`archiver = on for server ${name}, but this version does not archive the incoming directory`);
  const isHooked = [hooks.preArchive, hooks.preArchiveRetry, hooks.postArchive, hooks.postArchiveRetry].some(
    (hook) => hook !== undefined,
  );
  if (isHooked) output.warning(`archive scripts are configured for server ${name}, but this version does not run them`);
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
