/**
 * Starting a command in the background, and knowing that it works before saying so.
 *
 * The child is detached and writes its own log; a channel between the two carries what it waits for, if it does, and at last "it
 * runs" or why it does not, and is closed then. A child that dies without a word shows up by its exit.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openReceiverLog, receiverLogPath, type ServerConfig } from '@walvault/core';
import type { CommandContext } from './context.ts';
import { taskVariable } from './task-variable.ts';

/** What a child says about its start: that it waits for something, perhaps, and at last that it runs, or why it does not. */
export type StartReport =
  | { readonly kind: 'waiting'; readonly message: string; readonly hint: string | undefined }
  | StartOutcome;

/** How a start ends. */
export type StartOutcome =
  | { readonly kind: 'running'; readonly timelineId: number; readonly lsn: string }
  | { readonly kind: 'failed'; readonly message: string; readonly hint: string | undefined; readonly code?: string | undefined };

/** The command line of a receiver in the background, and its log file. */
export async function receiverCommand(context: CommandContext, server: ServerConfig, wait: boolean): Promise<BackgroundCommand> {
  const logFile = receiverLogPath(server);
  const { args } = await receiverOnStderr(context, server, wait);
  return { args: args.toSpliced(-1, 0, '--log-file', logFile), logFile };
}

/** The same for one that logs to the standard error. */
export async function receiverOnStderr(context: CommandContext, server: ServerConfig, wait: boolean): Promise<BackgroundCommand> {
  const global = await globalArguments(context);
  return {
    args: [...global, 'receive-wal', '--foreground', ...(wait ? ['--wait'] : []), server.name],
    logFile: receiverLogPath(server),
  };
}

/** The command line of archive-wal in the background. What it says goes to the receiver's log. */
export async function archiverCommand(context: CommandContext, server: ServerConfig): Promise<BackgroundCommand> {
  return { args: [...(await globalArguments(context)), '-q', 'archive-wal', server.name], logFile: receiverLogPath(server) };
}

/** The command line of delete-wal in the background. */
export async function deletionCommand(context: CommandContext, server: ServerConfig): Promise<BackgroundCommand> {
  return { args: [...(await globalArguments(context)), '-q', 'delete-wal', server.name], logFile: receiverLogPath(server) };
}

/** The command line of an archiver that lives as long as the receiver that starts it, and logs where that one does. */
export async function companionCommand(
  context: CommandContext,
  server: ServerConfig,
  logFile: string | undefined,
): Promise<BackgroundCommand> {
  const global = await globalArguments(context);
  const log = logFile === undefined ? [] : ['--log-file', logFile];
  return {
    args: [...global, '-q', 'archive-wal', '--follow', '--with-parent', ...log, server.name],
    logFile: logFile ?? receiverLogPath(server),
  };
}

/** The options before the command, so that the child sees the same configuration. */
async function globalArguments(context: CommandContext): Promise<readonly string[]> {
  const { file } = await context.configuration();
  const { debug, logLevel } = context.options;
  return ['-c', file, ...(debug === true ? ['-d'] : []), ...(logLevel === undefined ? [] : ['--log-level', logLevel])];
}

/** The program, for processes that this one starts. */
export const executable: string = fileURLToPath(new URL('../bin/walvault.js', import.meta.url));

/** What to start. */
export interface BackgroundCommand {
  readonly args: readonly string[];
  /** Where the child's own stdout and stderr go: what it says before its log is open, and what Node says when it crashes. */
  readonly logFile: string;
}

/** A process that was started and left to itself. */
export interface Launched {
  readonly pid: number;
  /** The exit code, or the signal, when it has ended. Waiting for it keeps this process from ending only as long as somebody waits otherwise. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** How to launch. */
export interface LaunchOptions {
  /** Where the process notes what becomes of it. */
  readonly record: string;
  /** Leave it the standard output and error of this process, for a container that shows them. */
  readonly keepDescriptors: boolean;
}

/** Starts a command detached from this process and its terminal, and does not wait for what becomes of it. */
export async function launch(command: BackgroundCommand, { record, keepDescriptors }: LaunchOptions): Promise<Launched> {
  await using log = await openReceiverLog(command.logFile);
  const output = keepDescriptors ? 'inherit' : log.fd;
  const child = spawn(process.execPath, [executable, ...command.args], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', output, output],
    env: { ...process.env, [taskVariable]: record },
  });
  await once(child, 'spawn');
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  child.unref();
  return { pid: child.pid ?? 0, ended: ended.then(([code, signal]) => signal ?? code ?? 0) };
}

/**
 * Starts a command detached and waits until it says that it runs, or ends.
 * @param stop aborting it ends the child too
 * @param onWaiting called with what it waits for, each time that it says so
 */
export async function launchAndWait(
  command: BackgroundCommand,
  stop: AbortSignal,
  onWaiting: (message: string, hint: string | undefined) => void,
): Promise<StartOutcome & { readonly pid: number | undefined }> {
  await using log = await openReceiverLog(command.logFile);
  const child = spawnDetached(command, log);
  const kill = (): void => void child.kill('SIGTERM');
  stop.addEventListener('abort', kill, { once: true });
  const report = await new Promise<StartOutcome>((resolve) => {
    child.on('message', (message) => {
      const said = message as StartReport;
      if (said.kind === 'waiting') onWaiting(said.message, said.hint);
      else resolve(said);
    });
    child.once('error', (error) =>
      resolve({ kind: 'failed', message: `could not start the background process: ${error.message}`, hint: undefined }),
    );
    // Not `exit`, which may come before the last message; this comes when the channel is read to its end.
    child.once('close', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve({
        kind: 'failed',
        message: `the background process ended with ${how} before it was streaming`,
        hint: `Look at its log: ${command.logFile}`,
      });
    });
  });
  stop.removeEventListener('abort', kill);
  if (child.connected) child.disconnect();
  child.unref();
  return { ...report, pid: child.pid };
}

/** In the child: tells the process that started it, if it still listens; it does not any more when it knows how the start ended. */
export async function reportStart(report: StartReport): Promise<void> {
  if (process.send === undefined || !process.connected) return;
  await new Promise<void>((resolve) => {
    process.send?.(report, () => resolve());
  });
  if (report.kind !== 'waiting' && process.connected) process.disconnect();
}

function spawnDetached({ args }: BackgroundCommand, log: FileHandle): ChildProcess {
  return spawn(process.execPath, [executable, ...args], { detached: true, cwd: '/', stdio: ['ignore', log.fd, log.fd, 'ipc'] });
}
