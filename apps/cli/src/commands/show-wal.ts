/** `show-wal`: what the archive of a server holds, and what is known of it. It changes nothing and reads no segment that the catalogue knows. */
import { serverRecordStatistics, type ServerConfig, surveyServerArchive, viewServerSegment } from '@walvault/core';
import type { TimelineId } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { segmentJson, statisticsJson, surveyJson } from './show-wal-json.ts';
import { statisticsLines } from './show-wal-statistics.ts';
import { segmentLines, surveyLines } from './show-wal-words.ts';

/** Options of the command. */
export interface ShowWalCommandOptions {
  readonly segment?: string | undefined;
  /** `true` when it was given without a value. */
  readonly stats?: string | true | undefined;
  readonly timeline?: TimelineId | undefined;
  readonly days: number;
}

/** Runs the command; gives the exit code. */
export async function showWalCommand(
  context: CommandContext,
  serverName: string,
  options: ShowWalCommandOptions,
): Promise<number> {
  const server = await context.server(serverName);
  if (options.segment !== undefined) return showSegment(context, server, options.segment);
  if (options.stats !== undefined) return showStatistics(context, server, options);
  const survey = await surveyServerArchive(server, options.days);
  context.output.result(server.name, surveyJson(survey));
  if (!context.output.isJson) for (const line of surveyLines(survey)) context.output.info(line);
  return exitCode.ok;
}

async function showSegment({ output, stop }: CommandContext, server: ServerConfig, name: string): Promise<number> {
  const view = await viewServerSegment(server, name, stop);
  if (view === undefined) {
    output.failure(`segment ${name} is not in the archive of server ${server.name}`);
    return exitCode.error;
  }
  output.result(server.name, segmentJson(view));
  if (!output.isJson) for (const line of segmentLines(view)) output.info(line);
  return exitCode.ok;
}

async function showStatistics(
  { output }: CommandContext,
  server: ServerConfig,
  { stats, timeline }: ShowWalCommandOptions,
): Promise<number> {
  const statistics = await serverRecordStatistics(server, timeline);
  if (statistics === undefined) {
    output.failure(
      `the catalogue of server ${server.name} knows no record`,
      'Run rebuild-catalog if there are segments in the archive.',
    );
    return exitCode.error;
  }
  output.result(server.name, statisticsJson(statistics));
  if (!output.isJson) for (const line of statisticsLines(statistics, stats === 'record')) output.info(line);
  return exitCode.ok;
}
