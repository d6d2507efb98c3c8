/** `archive-wal --follow`: archives what becomes complete as soon as it is, until it is told to end. */
import { followArchive, type FileResult, type ServerConfig } from '@walvault/core/archiving';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import type { OpenLog } from '../log.ts';
import { describeError } from '../output.ts';

/** Options of the command. */
export interface FollowOptions {
  /** End when the process that started us has: its end of our standard input is closed then. */
  readonly withParent?: boolean | undefined;
  /** Log to this file instead of stderr. */
  readonly logFile?: string | undefined;
}

/** Runs until a signal, or until the parent is gone; gives the exit code. */
export async function followArchiveCommand(
  context: CommandContext,
  server: ServerConfig,
  options: FollowOptions,
): Promise<number> {
  const { output } = context;
  const log = await context.log(server, options.logFile ?? server.logFile);
  const stop = options.withParent === true ? AbortSignal.any([context.stop, parentGone()]) : context.stop;
  const { file: configFile } = await context.configuration();
  output.info(`Following the WAL of server ${server.name}`);
  log.info({ server: server.name }, 'archiving what becomes complete');
  const onTrouble = (error: unknown): void => tell(log, server, error);
  const onFile = (result: FileResult): void => {
    if (result.kind === 'archived' || result.kind === 'duplicate') output.info(`\t${result.name}`);
  };
  await followArchive({
    server: () => server,
    signal: stop,
    configFile,
    log,
    onFile,
    onTrouble,
    onPass: ({ catalogTrouble }) => {
      if (catalogTrouble !== undefined) onTrouble(catalogTrouble);
    },
  });
  log.info({ server: server.name }, 'ending');
  // A pipe that somebody holds open would keep this process alive, though all is done.
  if (options.withParent === true) process.stdin.destroy();
  return exitCode.ok;
}

function tell(log: OpenLog, server: ServerConfig, error: unknown): void {
  const { message, hint, code } = describeError(error);
  log.error({ server: server.name, code, hint }, message);
}

/** Aborted when the other end of the standard input is closed, by whoever started us or by his death. */
function parentGone(): AbortSignal {
  const gone = new AbortController();
  const end = (): void => gone.abort(new DOMException('the process that started this one is gone', 'AbortError'));
  process.stdin.once('end', end).once('close', end).once('error', end);
  process.stdin.resume();
  return gone.signal;
}
