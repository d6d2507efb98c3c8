/** `heal-wal`: segments that are missing in the archive, or not right, are streamed again from where they still are. */
import { acceptServerHoles, type HealReport, healServer, type ServerConfig } from '@walvault/core';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import type { Output } from '../output.ts';

/** Options of the command. */
export interface HealWalCommandOptions {
  readonly dryRun?: boolean | undefined;
  /** A connection string. */
  readonly from?: string | undefined;
  /** Heal nothing. */
  readonly acceptHoles?: boolean | undefined;
}

/** Runs the command; gives the exit code: 2 when something is still damaged. */
export async function healWalCommand(
  context: CommandContext,
  serverName: string,
  names: readonly string[],
  { dryRun = false, from, acceptHoles = false }: HealWalCommandOptions,
): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (acceptHoles) return await accept(server, output);
  const log = await context.log(server, server.logFile);
  if (server.logFile === undefined && context.options.debug !== true) log.setLevel('warn');
  output.info(`${dryRun ? 'What would be healed' : 'Healing WAL'} for server ${server.name}`);
  const onHealed = ({ name, reason, source }: HealReport['healed'][number]): void =>
    output.info(`\t${name}: ${reason}; ${dryRun ? 'there on' : 'streamed again from'} ${source}`);
  const report = await healServer(server, { signal: context.stop, dryRun, from, names, log, onHealed });
  if (report === 'busy') {
    output.failure(`another heal-wal process is running on server ${server.name}`, 'Wait until it is done.');
    return exitCode.error;
  }
  if (dryRun) for (const segment of report.healed) onHealed(segment);
  tellRest(output, report);
  output.result(server.name, resultOf(report, dryRun));
  return report.unhealed.length === 0 ? exitCode.ok : exitCode.unhealed;
}

async function accept(server: ServerConfig, output: Output): Promise<number> {
  output.info(`Accepting holes of server ${server.name}`);
  const accepted = await acceptServerHoles(server);
  for (const { fromLsn, toLsn, timelineId } of accepted)
    output.info(
      `\tfrom ${fromLsn} on timeline ${timelineId} to ${toLsn ?? 'an end that is not known'}: no recovery goes past it`,
    );
  if (accepted.length === 0) output.info('\tstreaming has passed none that was not accepted');
  return exitCode.ok;
}

function tellRest(output: Output, { damaged, unhealed, sources, healed, holes }: HealReport): void {
  if (damaged.length === 0) output.info('\tno damage found');
  for (const { name, problem } of sources) if (problem !== undefined) output.warning(`${name}: ${problem}`);
  for (const { name, reason, movedTo } of healed)
    if (movedTo !== undefined) output.info(`\tthe bad ${name} is now ${movedTo} (${reason})`);
  for (const { fromLsn, toLsn } of holes) output.info(`\tthe hole from ${fromLsn} to ${toLsn} on record is healed`);
  for (const { name, reason, obstacles } of unhealed)
    output.failure(`${name} (${reason}) cannot be healed: ${obstacles.join('; ')}`);
  if (unhealed.length > 0)
    output.hint(
      'Name a server that still has the WAL (--from, heal_conninfo), or bring the files back by put-wal. Otherwise base backups ' +
        'from before cannot be recovered past it: take a new base backup.',
    );
}

function resultOf({ healed, unhealed, sources, holes }: HealReport, dryRun: boolean) {
  return {
    dry_run: dryRun,
    healed: healed.map(({ name, kind, reason, source, movedTo, isLinked }) => ({
      name,
      kind,
      reason,
      source,
      moved_to: movedTo ?? null,
      linked: isLinked,
    })),
    unhealed: unhealed.map(({ name, kind, reason, obstacles }) => ({ name, kind, reason, obstacles })),
    sources: sources.map(({ name, problem }) => ({ name, problem: problem ?? null })),
    holes_healed: holes.map(({ fromLsn, toLsn, timelineId }) => ({ timeline: timelineId, from_lsn: fromLsn, to_lsn: toLsn })),
  };
}
