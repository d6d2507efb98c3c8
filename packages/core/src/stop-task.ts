/** `receive-wal --stop`: tells the process that holds the lock to end, and waits until it has. */
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '@walvault/config';
import { lockOwner } from '@walvault/durable-fs';
import { CoreError } from './errors.ts';
import { readReceiverState } from './receiver-state.ts';
import { lockPath, type ServerTask, statePath } from './server-paths.ts';

const patienceMs = 10_000;
const pauseMs = 50;

/**
 * Stops the process that does a task for a server.
 * @returns its PID
 * @throws {CoreError} `ERR_NOT_RUNNING` when there is none, `ERR_PROCESS_UNKNOWN` when the lock is held and does not tell by whom, or names another process,
 *   `ERR_SERVED_BY_RUN` when it is a part of `run`, `ERR_STILL_RUNNING` when it is still there after 10 s
 */
export async function stopTask(server: ServerConfig, task: ServerTask): Promise<number> {
  const path = lockPath(server, task);
  const pid = await pidOf(server, task);
  if (pid !== undefined && task !== 'run' && pid === (await pidOf(server, 'run'))) throw servedByRun(server, task, pid);
  if (pid === undefined || !(await mayHold(pid, path)))
    throw (await lockOwner(path)) === undefined ? notRunning(server, task) : ofUnknownProcess(path, task, pid);
  if (!signalProcess(pid)) throw notRunning(server, task);
  const deadline = Date.now() + patienceMs;
  while ((await lockOwner(path)) !== undefined && (await pidOf(server, task)) === pid) {
    if (Date.now() > deadline) {
      throw new CoreError('ERR_STILL_RUNNING', `Cannot terminate process ${task}(${pid})`, {
        hint: `It did not end within ${patienceMs / 1000} s. Look at its log; as a last resort: kill -9 ${pid}`,
      });
    }
    await sleep(pauseMs);
  }
  return pid;
}

/**
 * PID of the process that does a task, or undefined when nobody does. It is in the lock file; but a Barman that does not see our
 * lock writes its own PID there before it fails on the slot, and then the receiver's is in the state that it publishes.
 */
export async function pidOf(server: ServerConfig, task: ServerTask): Promise<number | undefined> {
  const owner = await lockOwner(lockPath(server, task));
  if (owner === undefined || task !== 'receive-wal' || (owner.pid !== undefined && isAlive(owner.pid))) return owner?.pid;
  return (await readReceiverState(statePath(server)))?.pid ?? owner.pid;
}

/** Whether there is a process of this number. One that is dead and that nobody has asked about yet (a zombie) is none. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !isZombie(pid);
}

/** The state stands behind the name of the program, which may hold anything ("proc_pid_stat" in the manual of Linux). */
function isZombie(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false; // no Linux, or gone this moment
  }
}

/**
 * Whether a process has the file open, without which it cannot hold its lock; true where nobody can tell (no Linux, another user's). The
 * number may be that of another container's process, or of a holder before this one, and mean somebody else here.
 */
async function mayHold(pid: number, path: string): Promise<boolean> {
  const directory = `/proc/${pid}/fd`;
  const descriptors = await readdir(directory).catch(() => undefined);
  const lock = await stat(path, { bigint: true }).catch(() => undefined);
  if (descriptors === undefined || lock === undefined) return true;
  const open = await Promise.all(
    descriptors.map((descriptor) => stat(join(directory, descriptor), { bigint: true }).catch(() => undefined)),
  );
  return open.some((file) => file?.ino === lock.ino && file.dev === lock.dev);
}

/** Sends SIGINT; false when the process is gone. */
function signalProcess(pid: number): boolean {
  try {
    process.kill(pid, 'SIGINT');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function notRunning(server: ServerConfig, task: ServerTask): CoreError {
  return new CoreError('ERR_NOT_RUNNING', `Termination of ${task} failed: no such process for server ${server.name}`);
}

function servedByRun({ name }: ServerConfig, task: ServerTask, pid: number): CoreError {
  return new CoreError(
    'ERR_SERVED_BY_RUN',
    `${task} of server ${name} is a part of walvault run(${pid}), which serves other servers, too`,
    {
      hint: `Set active = false in section [${name}] and send SIGHUP to process ${pid}: run then lets go of this server alone.`,
    },
  );
}

/** Whoever takes a lock writes its PID at once; somebody has written to the file since, or counts processes otherwise. */
function ofUnknownProcess(path: string, task: ServerTask, pid: number | undefined): CoreError {
  const why = pid === undefined ? 'but does not tell by which process' : `but not by process ${pid}, which it names`;
  const elsewhere = pid === undefined ? '' : ' It may be that of another container: stop it there.';
  return new CoreError('ERR_PROCESS_UNKNOWN', `cannot terminate ${task}: "${path}" is locked, ${why}`, {
    hint: `Find the process by: fuser -v ${path}${elsewhere}`,
  });
}
