/** `archive-wal`: one pass over the directories that feed the archive of a server. The lines are Barman's. */
import { archiveServer, type ArchiveReport, type FileResult, type ServerConfig, type SourceKind } from '@walvault/core/archiving';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError, type Output } from '../output.ts';
import { Progress } from '../progress.ts';
import type { FollowOptions } from './follow-archive.ts';

/** Options of the command. */
export interface ArchiveWalCommandOptions extends FollowOptions {
  readonly follow?: boolean | undefined;
}

/** Runs the command; gives the exit code. */
export async function archiveWalCommand(
  context: CommandContext,
  serverName: string,
  options: ArchiveWalCommandOptions,
): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (!server.active) {
    output.info(`Skipping inactive server '${server.name}'`);
    return exitCode.ok;
  }
  if (options.follow === true) return (await import('./follow-archive.ts')).followArchiveCommand(context, server, options);
  const teller = new Teller(output, server);
  const report = await runPass(context, server, teller);
  if (report === 'busy') {
    output.info(`Another archive-wal process is already running on server ${server.name}. Skipping to the next server`);
    return exitCode.ok;
  }
  teller.finish(report);
  const isWell = report.firstFailure === undefined && report.catalogTrouble === undefined;
  return isWell ? exitCode.ok : exitCode.error;
}

async function runPass(context: CommandContext, server: ServerConfig, teller: Teller): Promise<ArchiveReport | 'busy'> {
  const { file: configFile } = await context.configuration();
  // What becomes of the files is told by the output; without a log file only what goes wrong beside that needs to be on stderr.
  const log = await context.log(server, server.logFile);
  if (server.logFile === undefined && context.options.debug !== true) log.setLevel('error');
  let [done, total] = [0, 0];
  using progress = new Progress(context, `Archiving WAL of server ${server.name}`);
  const onBacklog = (files: number): void => progress.show(done, (total += files));
  const onFile = (result: FileResult): void => {
    teller.tell(result);
    if (result.kind !== 'unknown') progress.show((done += 1), total);
  };
  const onNotice = (notice: string): void => context.output.warning(notice);
  return await archiveServer(server, { signal: context.stop, configFile, log, onFile, onBacklog, onNotice });
}

/** Barman's words for the two directories. */
const sourceNames = { streaming: 'streaming', incoming: 'file archival' } as const;

/** Tells what happens, directory by directory, under a header for each. */
class Teller {
  readonly #output: Output;
  readonly #server: ServerConfig;
  /** Those whose header has been said. */
  readonly #begun = new Set<SourceKind>();
  readonly #unknown = new Map<SourceKind, string[]>();

  constructor(output: Output, server: ServerConfig) {
    this.#output = output;
    this.#server = server;
  }

  /** Unknown objects have a block of their own at the end; everything else is told as it happens. */
  tell(result: FileResult): void {
    this.#begin(result.source);
    if (result.kind === 'unknown') this.#noteUnknown(result);
    else if (result.kind === 'failed') this.#tellFailed(result);
    else this.#output.info(`\t${lineOf(result, this.#server.name)}`);
  }

  /** Says of directories in which nothing was found that it is so, and what else there is to say at the end. */
  finish(report: ArchiveReport): void {
    const { streamingArchiver, archiver, name } = this.#server;
    const sources = [
      ...(streamingArchiver || !archiver ? ['streaming' as const] : []),
      ...(archiver ? ['incoming' as const] : []),
    ];
    for (const source of sources) if (this.#begin(source)) this.#output.info('\tno file found');
    for (const names of this.#unknown.values()) this.#tellUnknown(names);
    for (const kept of report.kept.filter(({ reason }) => reason === 'unfinished'))
      this.#output.warning(`${kept.name} is not right, and was written to just now: it stays until it is whole, or a minute old`);
    if (report.isStopped) this.#output.warning(`the pass over server ${name} was ended by pre_archive_retry_script`);
    if (report.catalogTrouble === undefined) return;
    const { message, hint, code } = describeError(report.catalogTrouble);
    this.#output.failure(`what was archived for server ${name} is not in its catalogue: ${message}`, hint, code);
  }

  /** Says the header, if it was not said yet. */
  #begin(source: SourceKind): boolean {
    if (this.#begun.has(source)) return false;
    this.#begun.add(source);
    const { name, streamingArchiverBatchSize, archiverBatchSize } = this.#server;
    const batchSize = source === 'streaming' ? streamingArchiverBatchSize : archiverBatchSize;
    const batch = batchSize > 0 ? ` (batch size: ${batchSize})` : '';
    this.#output.info(`Processing xlog segments from ${sourceNames[source]} for ${name}${batch}`);
    return true;
  }

  #noteUnknown({ source, name }: FileResult): void {
    const names = this.#unknown.get(source);
    if (names === undefined) this.#unknown.set(source, [name]);
    else names.push(name);
  }

  #tellFailed({ name, error }: Extract<FileResult, { kind: 'failed' }>): void {
    const { message, hint, code } = describeError(error);
    this.#output.failure(`${name} could not be archived and stays where it is: ${message}`, hint, code);
  }

  #tellUnknown(names: readonly string[]): void {
    this.#output.info(
      `Some unknown objects have been found while processing xlog segments for ${this.#server.name}. Objects moved to errors directory:`,
    );
    for (const name of names) this.#output.info(`\t${shown(name)}`);
  }
}

/** A name may hold anything, also what a terminal obeys or what looks like another line. */
function shown(name: string): string {
  return name.replaceAll(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function lineOf(result: Exclude<FileResult, { kind: 'unknown' | 'failed' }>, serverName: string): string {
  switch (result.kind) {
    case 'archived':
    case 'duplicate':
      return result.name;
    case 'conflict':
      return `Error: ${result.name} is already present in server ${serverName}. File moved to errors directory.`;
    case 'invalid':
      return `Error: ${result.error.message}. File moved to errors directory: ${result.movedTo}`;
    case 'blank':
      return `${result.name} (nothing was written to it; removed)`;
  }
}
