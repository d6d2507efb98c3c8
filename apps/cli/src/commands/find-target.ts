/**
 * `find-target`: where a recovery target lies, whether it can be reached, and what to write for it. Exit code 0 when it was found
 * and nothing speaks against reaching it, 1 when not, 2 when the question makes no sense.
 */
import { join } from 'node:path';
import { findServerTarget, listServerRestorePoints, type ServerConfig, type ServerTarget } from '@walvault/core';
import { canPrefetch, defaultSpoolDirectory, spoolName } from '@walvault/core/restoring';
import { formatLsn, formatTimestamp } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { executable } from '../launch-prefetcher.ts';
import { Progress } from '../progress.ts';
import { restoreCommandLine } from '../restore-command.ts';
import { restorePointJson, targetJson } from './find-target-json.ts';
import { type FindTargetCommandOptions, readRequest, type ReadRequest, RequestProblem } from './find-target-request.ts';
import {
  absenceWords,
  circumstanceWords,
  type Fact,
  placeFacts,
  reachabilityFacts,
  reachFacts,
  targetWords,
  warningsOf,
} from './find-target-words.ts';

/** Runs the command; gives the exit code. */
export async function findTargetCommand(
  context: CommandContext,
  serverName: string,
  options: FindTargetCommandOptions,
): Promise<number> {
  const server = await context.server(serverName);
  try {
    return options.listRestorePoints === true
      ? await list(context, server)
      : await find(context, server, readRequest(options), options.action);
  } catch (error) {
    if (!(error instanceof RequestProblem)) throw error;
    context.output.failure(error.message, error.hint);
    return exitCode.usage;
  }
}

async function find(
  context: CommandContext,
  server: ServerConfig,
  read: ReadRequest,
  action: FindTargetCommandOptions['action'],
): Promise<number> {
  const { output, stop: signal } = context;
  let target: ServerTarget;
  {
    using progress = new Progress(context, 'Reading segments that are not in the catalogue');
    const onRead = (_: string, done: number, total: number): void => progress.show(done, total);
    target = await findServerTarget(server, {
      request: read.request,
      restoreCommandLine: (partial) => lineFor(server, partial),
      action,
      onRead,
      signal,
    });
  }
  const warnings = warningsOf(target);
  output.result(server.name, { target: targetWords(read.request, read.hasLocalTime), ...targetJson(target, warnings) });
  if (!output.isJson) tell(context, read, target);
  for (const warning of warnings) output.warning(warning);
  const verdict = target.reachability?.verdict;
  return verdict === 'reachable' || verdict === 'unknown' ? exitCode.ok : exitCode.error;
}

/** The line that `restore-wal --print-command` prints. */
function lineFor(server: ServerConfig, partial: boolean): string {
  return restoreCommandLine({
    node: process.execPath,
    executable,
    args: ['-c', server.configFile, 'restore-wal', ...(partial ? ['--partial'] : []), server.name],
    spool: canPrefetch() ? join(defaultSpoolDirectory, spoolName(server)) : undefined,
  });
}

function tell({ output }: CommandContext, read: ReadRequest, { found, reachability, settings }: ServerTarget): void {
  const target: Fact = ['Target', targetWords(read.request, read.hasLocalTime)];
  if (found.place === undefined || reachability === undefined || settings === undefined) {
    tellFacts(output, [target, ['Found', `no: ${absenceWords(found.finding)}`], ...reachFacts(found.reach)]);
    return;
  }
  tellFacts(output, [target, ...placeFacts(found.place), ...reachabilityFacts(reachability)]);
  output.info(`\nIn ${settings.file} in the data directory of the restored backup:\n`);
  for (const line of settings.lines) output.info(line);
  if (settings.signalFile !== undefined) output.info(`\nand beside it an empty file ${settings.signalFile}.`);
}

function tellFacts(output: CommandContext['output'], facts: readonly Fact[]): void {
  const width = Math.max(...facts.map(([what]) => what.length)) + 2;
  for (const [what, words] of facts) output.info(`${`${what}:`.padEnd(width)}${words}`);
}

async function list(context: CommandContext, server: ServerConfig): Promise<number> {
  const { output, stop: signal } = context;
  using progress = new Progress(context, 'Reading segments that are not in the catalogue');
  const onRead = (_: string, done: number, total: number): void => progress.show(done, total);
  const { restorePoints, ...circumstances } = await listServerRestorePoints(server, { onRead, signal });
  progress[Symbol.dispose]();
  output.result(server.name, { restore_points: restorePoints.map(restorePointJson) });
  for (const warning of circumstanceWords(circumstances)) output.warning(warning);
  if (output.isJson) return exitCode.ok;
  if (restorePoints.length === 0) output.info(`There is no restore point in the WAL of server ${server.name}`);
  for (const { name, time, lsn, endLsn, timelineId } of restorePoints)
    output.info(`${formatTimestamp(time)}  ${formatLsn(lsn)} to ${formatLsn(endLsn)}  timeline ${timelineId}  ${name}`);
  return exitCode.ok;
}
