/** What `cron` has to do for a server. The processes are started by the caller, who knows how. */
import type { ServerConfig } from '@walvault/config';
import { lockOwner, tryLock } from '@walvault/durable-fs';
import { ensureDirectories, lockPath, type ServerTask } from './server-paths.ts';

/** What should happen now. */
export interface CronPlan {
  /** `none`: `walvault run` looks after the server, and does all that there is to do. `busy`: another archive-wal is at work already. */
  readonly archive: 'start' | 'busy' | 'none';
  /** `stop`: it runs although streaming_archiver is off now. `none`: all is as it should be. */
  readonly receiver: 'start' | 'stop' | 'none';
}

/** Looks who is at work for a server and decides. */
export async function planCron(server: ServerConfig): Promise<CronPlan> {
  if ((await lockOwner(lockPath(server, 'run'))) !== undefined) return { archive: 'none', receiver: 'none' };
  const archiver = await lockOwner(lockPath(server, 'archive-wal'));
  const receiver = await lockOwner(lockPath(server, 'receive-wal'));
  const whenOff = receiver === undefined ? 'none' : 'stop';
  const whenOn = receiver === undefined ? 'start' : 'none';
  return {
    archive: archiver === undefined ? 'start' : 'busy',
    receiver: server.streamingArchiver ? whenOn : whenOff,
  };
}

/**
 * Does some work under the lock of a task, so that it is not done twice at a time.
 * @returns false, without having done anything, when another process holds the lock
 */
export async function withTaskLock(server: ServerConfig, task: ServerTask, work: () => Promise<void>): Promise<boolean> {
  await ensureDirectories(server.lockDirectory);
  await using lock = await tryLock(lockPath(server, task));
  if (lock === undefined) return false;
  await work();
  return true;
}
