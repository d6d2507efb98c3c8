/** `restore-wal --print-command`: the line for postgresql.conf of a server that is to recover. */
import { isAbsolute, join } from 'node:path';
import { canPrefetch, defaultSpoolDirectory, spoolName } from '@walvault/core/restoring';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { executable } from '../launch-prefetcher.ts';
import { restoreCommandLine } from '../restore-command.ts';

/** What the line is to do. */
export interface PrintRestoreCommandRequest {
  readonly serverName: string;
  readonly partial: boolean;
  readonly verify: boolean;
  readonly prefetchBytes: number | undefined;
  readonly spoolDirectory: string | undefined;
  readonly retryForMs: number | undefined;
}

/** Runs the command; gives the exit code. */
export async function printRestoreCommand(context: CommandContext, request: PrintRestoreCommandRequest): Promise<number> {
  const { partial, verify, prefetchBytes, spoolDirectory = defaultSpoolDirectory, retryForMs } = request;
  const server = await context.server(request.serverName);
  if (request.spoolDirectory !== undefined && !isAbsolute(request.spoolDirectory)) {
    context.output.failure(`"${request.spoolDirectory}" is no absolute path`, 'Give --spool-dir an absolute path.');
    return exitCode.usage;
  }
  const options = [
    ...(partial ? ['--partial'] : []),
    ...(verify ? [] : ['--no-verify']),
    ...(prefetchBytes === undefined ? [] : ['--prefetch', String(prefetchBytes)]),
    ...(request.spoolDirectory === undefined ? [] : ['--spool-dir', request.spoolDirectory]),
    ...(retryForMs === undefined ? [] : ['--retry-for', String(retryForMs / 1000)]),
  ];
  const line = restoreCommandLine({
    node: process.execPath,
    executable,
    args: ['-c', server.configFile, 'restore-wal', ...options, server.name],
    spool: prefetchBytes === 0 || !verify || !canPrefetch() ? undefined : join(spoolDirectory, spoolName(server)),
  });
  context.output.info(line);
  return exitCode.ok;
}
