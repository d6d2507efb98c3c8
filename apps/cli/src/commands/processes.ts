/** `list-processes` and `terminate-process`: who is at work for a server, and ending them. The lines are those of Barman 3.14. */
import { listServerProcesses, serverTasks, type ServerTask, stopTask } from '@walvault/core/operating';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Runs list-processes; gives the exit code. */
export async function listProcessesCommand(context: CommandContext, serverName: string): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  const processes = await listServerProcesses(server);
  output.result(
    server.name,
    processes.map(({ task, pid }) => ({ name: task, pid: pid ?? null })),
  );
  if (output.isJson) return exitCode.ok;
  if (processes.length === 0) output.info(`No active subprocesses found for server ${server.name}.`);
  else output.info(`Active subprocesses for server ${server.name}:`);
  for (const { task, pid } of processes) output.info(`${pid ?? '?'} ${task}`);
  return exitCode.ok;
}

/** Runs terminate-process; gives the exit code. */
export async function terminateProcessCommand(context: CommandContext, serverName: string, task: string): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (!isTask(task)) {
    output.failure(`'${task}' is not a task of a server (allowed: ${serverTasks.join(', ')})`);
    return exitCode.usage;
  }
  const pid = await stopTask(server, task);
  output.info(`Stopped process ${task}(${pid})`);
  return exitCode.ok;
}

function isTask(task: string): task is ServerTask {
  return serverTasks.some((known) => known === task);
}
