/** `receive-wal`: start the receiver of a server, in the background or the foreground; stop or reset it; create or drop its slot. */
import { LiveServerConfig, runReceiver, type ServerConfig, stopTask } from '@walvault/core';
import { formatLsn, WalvaultError } from '@walvault/wal';
import { ArchivingCompanion } from '../archiving-companion.ts';
import { companionCommand, launchAndWait, receiverCommand, reportStart } from '../background.ts';
import { CatchUpBar } from '../catch-up-bar.ts';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError } from '../output.ts';
import { reloadOnHangup } from '../reload.ts';
import { resetCommand } from './reset.ts';
import { createSlotCommand, dropSlotCommand } from './slot.ts';

/** Options of the command. At most one of the actions is given. */
export interface ReceiveWalCommandOptions {
  readonly foreground?: boolean | undefined;
  /** Keep trying when the server cannot be reached at the start. */
  readonly wait?: boolean | undefined;
  /** In the foreground: log to this file instead of stderr. */
  readonly logFile?: string | undefined;
  readonly stop?: boolean | undefined;
  readonly reset?: boolean | undefined;
  readonly createSlot?: boolean | undefined;
  readonly ifNotExists?: boolean | undefined;
  readonly dropSlot?: boolean | undefined;
}

/** Runs the command; gives the exit code. */
export async function receiveWalCommand(
  context: CommandContext,
  serverName: string,
  options: ReceiveWalCommandOptions,
): Promise<number> {
  const server = await context.server(serverName);
  if (options.stop === true && options.reset === true) {
    context.output.failure('--stop and --reset options are not compatible');
    return exitCode.error;
  }
  if (options.createSlot === true) return createSlotCommand(context, server, options.ifNotExists ?? false);
  if (options.dropSlot === true) return dropSlotCommand(context, server);
  if (options.reset === true) return resetCommand(context, server);
  if (options.stop === true) {
    const pid = await stopTask(server, 'receive-wal');
    context.output.info(`Stopped process receive-wal(${pid})`);
    return exitCode.ok;
  }
  return options.foreground === true ? inForeground(context, server, options) : inBackground(context, server, options);
}

async function inBackground(context: CommandContext, server: ServerConfig, options: ReceiveWalCommandOptions): Promise<number> {
  const { output } = context;
  output.info(`Starting receive-wal for server ${server.name}`);
  const command = await receiverCommand(context, server, options.wait === true);
  const report = await launchAndWait(command, context.stop, (message, hint) => {
    output.warning(`${server.name}: waiting, and trying again: ${message}`);
    if (hint !== undefined) output.hint(hint);
  });
  if (report.kind === 'failed') {
    output.failure(report.message, report.hint, report.code);
    return exitCode.error;
  }
  output.info(
    `${server.name}: streaming (pid ${report.pid}, timeline ${report.timelineId}, LSN ${report.lsn}, log file ${command.logFile})`,
  );
  return exitCode.ok;
}

/** In the foreground: runs until a signal or an error that trying again does not help. */
async function inForeground(context: CommandContext, server: ServerConfig, options: ReceiveWalCommandOptions): Promise<number> {
  const log = await context.log(server, options.logFile);
  const live = new LiveServerConfig(server);
  const companion = await companionCommand(context, server, options.logFile);
  await using archiver = new ArchivingCompanion({ live, command: companion, log });
  using bar = new CatchUpBar(context);
  using _ = reloadOnHangup({ context, live, log, onReloaded: () => archiver.restart() });
  try {
    await runReceiver({
      server: live,
      stop: context.stop,
      firstAttempt: options.wait === true ? 'retry' : 'fail',
      logFile: options.logFile,
      onCatchUp: options.logFile === undefined && process.stderr.isTTY ? (progress) => bar.show(progress) : undefined,
      log,
      onWaiting: ({ message, hint }) => void reportStart({ kind: 'waiting', message, hint: hint ?? undefined }),
      onStreaming: ({ timelineId, startLsn }) => {
        archiver.begin();
        void reportStart({ kind: 'running', timelineId, lsn: formatLsn(startLsn) });
      },
    });
    return exitCode.ok;
  } catch (error) {
    const { hint, code, ...failure } = describeError(error);
    const message = failureText(error, failure.message);
    log.error({ code, hint }, message);
    await reportStart({ kind: 'failed', message, hint, code });
    if (options.logFile === undefined) context.output.failure(message, hint, code);
    else context.output.remember(message);
    return exitCode.error;
  }
}

/** Barman's words for a receiver that cannot start are those of its ArchiverFailure; the reason is ours. */
function failureText(error: unknown, message: string): string {
  const isAboutStarting =
    WalvaultError.is(error) && ['ERR_ALREADY_RUNNING', 'ERR_OPTION_REQUIRED', 'ERR_SERVER_INACTIVE'].includes(error.code);
  return isAboutStarting ? message : `ArchiverFailure:${message}`;
}
