/** `rebuild-xlogdb`: makes the list of what is archived anew from the files. The lines are Barman's. */
import { rebuildServerXlogDb, type RebuildXlogDbReport, type ServerConfig } from '@walvault/core';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { Progress } from '../progress.ts';

/** So many objects that do not belong there are named one by one. */
const namedOneByOne = 20;

/** Runs the command; gives the exit code. A server that is in trouble does not keep the others from theirs. */
export async function rebuildXlogDbCommand(context: CommandContext, serverNames: readonly string[]): Promise<number> {
  let code: number = exitCode.ok;
  for (const server of await context.servers(serverNames)) {
    try {
      await rebuild(context, server);
    } catch (error) {
      context.stop.throwIfAborted();
      context.output.error(error);
      code = exitCode.error;
    }
  }
  return code;
}

async function rebuild(context: CommandContext, server: ServerConfig): Promise<void> {
  const { output } = context;
  output.info(`Rebuilding xlogdb for server ${server.name}`);
  const { counts, unexpected } = await look(context, server);
  for (const path of unexpected.slice(0, namedOneByOne)) output.warning(`unexpected in the archive, not listed: ${path}`);
  if (unexpected.length > namedOneByOne) output.warning(`${unexpected.length - namedOneByOne} more are unexpected there`);
  const { history, backup, segment, partial } = counts;
  const partials = partial === 0 ? '' : `, partial: ${partial}`;
  output.info(
    `Done rebuilding xlogdb for server ${server.name} (history: ${history}, backup_labels: ${backup}, wal_file: ${segment}${partials})`,
  );
  output.result(server.name, { history, backup_labels: backup, wal_file: segment, partial, unexpected });
}

async function look(context: CommandContext, server: ServerConfig): Promise<RebuildXlogDbReport> {
  using progress = new Progress(context, 'Looking at files');
  return await rebuildServerXlogDb(server, { signal: context.stop, onProgress: (done, total) => progress.show(done, total) });
}
