/** `prefetch-wal`: the process that restore-wal starts to make ready what recovery will ask for next. Not for people. */
import { serverNamed } from '@walvault/core/configuration';
import { runPrefetcher } from '@walvault/core/restoring';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** What to provide. */
export interface PrefetchWalRequest {
  readonly serverName: string;
  /** The spool itself, an absolute path. */
  readonly spoolDirectory: string;
  readonly bytes: number;
}

/** Runs until nobody asks any more; gives the exit code. */
export async function prefetchWalCommand(context: CommandContext, request: PrefetchWalRequest): Promise<number> {
  const { serverName, spoolDirectory, bytes } = request;
  const log = await context.log(await context.server(serverName), undefined);
  const server = async (): ReturnType<CommandContext['server']> => serverNamed(await context.reread(), serverName);
  await runPrefetcher({ server, spoolDirectory, bytes, log }, context.stop);
  return exitCode.ok;
}
