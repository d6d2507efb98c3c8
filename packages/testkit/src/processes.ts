/**
 * Processes as /proc shows them. A PostgreSQL server and all its children have the data directory as working directory, so
 * "everything that works below this directory" finds a server with its orphans, and never a stranger with a reused process ID.
 */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** IDs of the processes whose working directory is `directory` or below it, ourselves excepted. */
export function processesBelow(directory: string): number[] {
  const top = existing(directory);
  if (top === undefined) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => isBelow(workingDirectory(pid), top)).map(Number);
}

/** Kills the processes that work below a directory (SIGKILL) and waits until the kernel has none of them left. */
export async function killProcessesBelow(directory: string): Promise<void> {
  for (let waits = 0; ; waits += 1) {
    const pids = processesBelow(directory);
    if (pids.length === 0) return;
    if (waits > 1000) throw new Error(`processes ${pids.join(', ')} in "${directory}" do not die`);
    for (const pid of pids) killQuietly(pid, 'SIGKILL');
    await sleep(10);
  }
}

/** Sends a signal to a process that may be gone already; whether it was there. */
export function killQuietly(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function existing(directory: string): string | undefined {
  try {
    return realpathSync(directory);
  } catch {
    return undefined;
  }
}

/** A process without a working directory to show is a zombie, gone, or none of ours. */
function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function isBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`) || path === `${top} (deleted)`;
}
