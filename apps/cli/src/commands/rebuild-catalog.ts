/** `rebuild-catalog`: the catalogue made anew from the files of the archive. Exit code 1 when some of them could not be read, or are bad. */
import { type RebuildCatalogReport, rebuildServerCatalog, type ServerConfig } from '@walvault/core';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { Progress } from '../progress.ts';

/** Runs the command; gives the exit code. */
export async function rebuildCatalogCommand(context: CommandContext, serverNames: readonly string[]): Promise<number> {
  let code: number = exitCode.ok;
  for (const server of await context.servers(serverNames)) {
    context.output.info(`Rebuilding the catalogue of server ${server.name}`);
    const report = await rebuild(context, server);
    tell(context, server, report);
    if (report.bad.length + report.unlinked.length + report.unreadable.length > 0) code = exitCode.error;
  }
  return code;
}

async function rebuild(context: CommandContext, server: ServerConfig): Promise<RebuildCatalogReport> {
  using progress = new Progress(context, 'Reading segments');
  return await rebuildServerCatalog(server, {
    signal: context.stop,
    onProgress: (done, total) => progress.show(done, total),
  });
}

function tell({ output }: CommandContext, server: ServerConfig, report: RebuildCatalogReport): void {
  const { segments, bad, unlinked, unreadable, recordsLost, movedTo } = report;
  for (const { error } of unreadable) output.error(error);
  for (const name of bad) output.failure(`segment ${name} is bad`);
  for (const name of unlinked) output.failure(`segment ${name} does not continue the one before it`);
  if (recordsLost !== undefined)
    output.warning(`checks, heals and deletions on record are lost with the old catalogue: ${recordsLost.message}`);
  if (movedTo !== undefined) output.warning(`the file that was in its place is now "${movedTo}"`);
  const wrong = bad.length + unlinked.length + unreadable.length;
  if (wrong > 0)
    output.hint(`Run verify-wal ${server.name} to see what is wrong with them, and heal-wal to have them streamed again.`);
  output.info(`Done: ${segments} segments are in the catalogue of server ${server.name}`);
  output.result(server.name, {
    segments,
    bad: [...bad],
    unlinked: [...unlinked],
    unreadable: unreadable.map(({ name, error }) => ({ name, code: error.code, message: error.message })),
    records_kept: recordsLost === undefined,
    moved_to: movedTo ?? null,
  });
}
