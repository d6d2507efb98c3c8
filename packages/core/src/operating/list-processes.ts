/** Which processes are at work for a server: those that hold one of its locks, Barman's own among them. */
import type { ServerConfig } from '@walvault/config';
import { lockOwner } from '@walvault/durable-fs';
import { lockPath, serverTasks, type ServerTask } from '../server-paths.ts';
import { pidOf } from '../stop-task.ts';

/** A process at work. */
export interface ServerProcess {
  readonly task: ServerTask;
  /** Undefined when its lock file does not tell. */
  readonly pid: number | undefined;
}

/**
 * The processes, by the names of their tasks. Each lock is looked at by its whole name, so that a server is never taken for another
 * whose name begins with its own.
 * @throws {FileSystemError} when a lock file is there and cannot be looked at
 */
export async function listServerProcesses(server: ServerConfig): Promise<readonly ServerProcess[]> {
  const processes: ServerProcess[] = [];
  for (const task of serverTasks.toSorted()) {
    const owner = await lockOwner(lockPath(server, task));
    if (owner !== undefined) processes.push({ task, pid: await pidOf(server, task) });
  }
  return processes;
}
