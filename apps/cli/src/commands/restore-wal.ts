/**
 * `restore-wal`, for restore_command: 0 when the file is there, checked; 1 only when the WAL provably ends there; 255 for a hole,
 * a bad file or any trouble, so that PostgreSQL stops instead of promoting with data missing.
 *
 * What a recovering server will ask for next is made ready by another process meanwhile. Nothing about that may fail a restore.
 */
import type { ServerConfig } from '@walvault/core/configuration';
import { defaultPrefetchBytes, isWorthPrefetching, recoverySpool, restoreServerWal, type Spool } from '@walvault/core/restoring';
import { launchPrefetcher } from '../launch-prefetcher.ts';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError } from '../output.ts';

/** What to restore, and how. */
export interface RestoreWalRequest {
  readonly serverName: string;
  /** `%f` */
  readonly walFile: string;
  /** `%p`, relative to the data directory, which PostgreSQL makes the working directory. */
  readonly destination: string;
  readonly partial: boolean;
  /** False: no look at records, and nothing is prefetched. */
  readonly verify: boolean;
  /** Room for prefetched segments in bytes; 0 for no prefetching, the default unless given. */
  readonly prefetchBytes: number | undefined;
  /** Directory of the spools; below that of the destination unless given. */
  readonly spoolDirectory: string | undefined;
  readonly retryForMs: number;
}

/** Runs the command; gives the exit code. Trouble is thrown, for the caller to end with 255. */
export async function restoreWalCommand(context: CommandContext, request: RestoreWalRequest): Promise<number> {
  const { walFile, destination, partial, verify, retryForMs } = request;
  const server = await context.server(request.serverName);
  const spool = await openSpool(context, server, request);
  if ((await spool?.take(walFile, destination)) === true) return exitCode.ok;
  if (spool !== undefined) await prefetchBehind(context, spool, { server, request });
  const { output, stop } = context;
  const outcome = await restoreServerWal(
    server,
    { name: walFile, destination, partial, verify, retryForMs },
    {
      signal: stop,
      onRetry: (error) => output.warning(`${describeError(error).message}; trying again`),
      onFull: async () => spool?.dismiss(),
    },
  );
  if (outcome.kind === 'restored') return exitCode.ok;
  output.info(`WAL file '${walFile}' is not in the archive of server '${server.name}', which ends before it`);
  if (outcome.partialPath !== undefined)
    output.warning(`"${outcome.partialPath}" holds newer WAL; use restore-wal --partial to replay it`);
  return exitCode.error;
}

async function openSpool(
  { output }: CommandContext,
  server: ServerConfig,
  request: RestoreWalRequest,
): Promise<Spool | undefined> {
  if (request.prefetchBytes === 0 || !request.verify) return undefined;
  try {
    return await recoverySpool(server, request.destination, request.spoolDirectory);
  } catch (error) {
    output.warning(`nothing is prefetched: ${describeError(error).message}`);
    return undefined;
  }
}

/** Tells the prefetcher where recovery stands, and starts it if there is something for it to do. */
async function prefetchBehind(
  context: CommandContext,
  spool: Spool,
  { server, request }: { readonly server: ServerConfig; readonly request: RestoreWalRequest },
): Promise<void> {
  try {
    if (await spool.hasPrefetcher()) return await spool.ask(request.walFile);
    if (!(await isWorthPrefetching(server, request.walFile))) return await spool.sweep();
    await spool.ask(request.walFile);
    await launchPrefetcher({
      configFile: server.configFile,
      serverName: server.name,
      spool: spool.directory,
      bytes: request.prefetchBytes ?? defaultPrefetchBytes,
    });
  } catch (error) {
    context.output.warning(`nothing is prefetched: ${describeError(error).message}`);
  }
}
