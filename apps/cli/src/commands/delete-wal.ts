/** `delete-wal`: deletes the archived WAL of a server that its retention policy lets go. */
import { type DeleteReport, deleteServerWal, type RetentionBlock } from '@walvault/core';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { formatBytes } from '../format.ts';
import type { Output } from '../output.ts';

/** Options of the command. */
export interface DeleteWalCommandOptions {
  readonly dryRun?: boolean | undefined;
}

/** Runs the command; gives the exit code. */
export async function deleteWalCommand(
  context: CommandContext,
  serverName: string,
  { dryRun = false }: DeleteWalCommandOptions,
): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (!server.active) {
    output.info(`Skipping inactive server '${server.name}'`);
    return exitCode.ok;
  }
  const policy = server.settings.get('wal_retention_policy')?.text ?? 'main';
  output.info(`${dryRun ? 'What would be deleted' : 'Deleting WAL'} for server ${server.name} (${policy})`);
  const onFile = ({ name }: { readonly name: string }): void => output.info(`\t${name}`);
  // What is deleted is told above; without a log file only what goes wrong needs to be on stderr.
  const log = await context.log(server, server.logFile);
  if (server.logFile === undefined && context.options.debug !== true) log.setLevel('warn');
  const report = await deleteServerWal(server, { signal: context.stop, dryRun, log, onFile });
  if (report === 'busy') {
    output.failure(
      `another archive-wal or delete-wal process is running on server ${server.name}; nothing was deleted`,
      'Try again when it is done.',
    );
    return exitCode.error;
  }
  if (dryRun) for (const file of report.removed) onFile(file);
  output.result(server.name, resultOf(report, dryRun));
  tellResult(output, report, dryRun);
  return report.blockedBy?.kind === 'unknownBegin' || report.stoppedAt !== undefined ? exitCode.error : exitCode.ok;
}

function tellResult(output: Output, report: DeleteReport, dryRun: boolean): void {
  const { removed, blockedBy, stoppedAt, holes, catalogFailure } = report;
  if (blockedBy !== undefined) tellBlock(output, blockedBy);
  else if (removed.length === 0) output.info('\tno file found');
  if (removed.length > 0) {
    const size = formatBytes(removed.reduce((sum, file) => sum + file.size, 0));
    output.info(`${removed.length} ${removed.length === 1 ? 'file' : 'files'}, ${size}${dryRun ? '; nothing was deleted' : ''}`);
  }
  if (stoppedAt !== undefined)
    output.failure(`pre_wal_delete_retry_script stopped the deletion at ${stoppedAt}; it and later files stay`);
  for (const { first, last, count } of holes)
    output.warning(`what stays is not whole: ${count === 1 ? first : `${first} to ${last}`} missing (${count})`);
  if (catalogFailure !== undefined) output.warning('the catalogue could not be told; run rebuild-catalog');
}

function tellBlock(output: Output, block: RetentionBlock): void {
  if (block.kind === 'noBackups') {
    output.info('\tno file found: without a base backup all WAL is kept');
    return;
  }
  const { id, status, remedy } = block.backup;
  output.failure(
    `nothing is deleted: base backup ${id} (${status}) does not say where it begins, so nobody knows which WAL it needs`,
    remedy ?? 'Wait until it is done if it is being taken; otherwise repair its backup.info, or remove the backup.',
  );
}

function resultOf(report: DeleteReport, dryRun: boolean) {
  const { removed, blockedBy, stoppedAt, holes, oldestBackup, windowStart } = report;
  return {
    dry_run: dryRun,
    deleted: removed.map(({ name, size }) => ({ name, size })),
    blocked_by: blockedBy === undefined ? null : blockedBy.kind === 'noBackups' ? 'no_backups' : blockedBy.backup.id,
    stopped_at: stoppedAt ?? null,
    oldest_backup: oldestBackup?.id ?? null,
    window_start: windowStart === undefined ? null : new Date(windowStart).toISOString(),
    holes: holes.map(({ first, last, count }) => ({ first, last, count })),
  };
}
