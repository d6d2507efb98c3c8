/**
 * What became of a process that `cron` has started: a small file in the directory of the server for each task, begun by `cron` and finished
 * by the process itself, so that the next `cron` can tell of one that has failed, or was killed and never said anything.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';
import { ensureDirectories, type ServerTask } from '../server-paths.ts';
import { isAlive, pidOf } from '../stop-task.ts';

/** The content of the file. */
export interface TaskRecord {
  readonly version: 1;
  readonly task: ServerTask;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Null until the process has come so far. */
  readonly pid: number | null;
  /** Null until it has ended by itself. */
  readonly exitCode: number | null;
  /** What it said last about a failure. */
  readonly error: string | null;
}

/** A process that starts gets so long before it must have taken its lock, in milliseconds. */
const startsWithinMs = 30_000;

/** Begins the record of a task that is about to be started; gives its path. @throws {FileSystemError} */
export async function expectTask(server: ServerConfig, task: ServerTask): Promise<string> {
  await ensureDirectories(server.directories.backup);
  const path = recordPath(server, task);
  const startedAt = new Date().toISOString();
  await write(path, { version: 1, task, startedAt, pid: null, exitCode: null, error: null });
  return path;
}

/** What is newly known. Only the process itself notes it while it lives: a change by two at a time would lose one of them. A record that is not there any more, or cannot be written, keeps nobody from working. */
export async function noteTask(path: string, news: Partial<Pick<TaskRecord, 'pid' | 'exitCode' | 'error'>>): Promise<void> {
  const record = await read(path).catch(() => undefined);
  if (record !== undefined) await write(path, { ...record, ...news }).catch(() => undefined);
}

/**
 * The record of a task that has ended otherwise than well since it was asked for last; it is forgotten then.
 * @throws {FileSystemError} when it is there and cannot be read or removed
 */
export async function takeFailedTask(server: ServerConfig, task: ServerTask): Promise<TaskRecord | undefined> {
  const path = recordPath(server, task);
  const record = await read(path);
  if (record === undefined || (record.exitCode === null && (await isAtWork(server, record)))) return undefined;
  await rm(path, { force: true }).catch((error: unknown) => {
    throw fileSystemError('remove', path, error);
  });
  return record.exitCode === 0 ? undefined : record;
}

/** The number of a process that is gone may be another one's by now; but that one does not hold the lock. */
async function isAtWork(server: ServerConfig, { task, pid, startedAt }: TaskRecord): Promise<boolean> {
  const isYoung = Math.abs(Date.now() - Date.parse(startedAt)) < startsWithinMs;
  if (pid === null) return isYoung;
  return isAlive(pid) && (isYoung || (await pidOf(server, task)) === pid);
}

function recordPath(server: ServerConfig, task: ServerTask): string {
  return join(server.directories.backup, `cron-${task}.json`);
}

async function write(path: string, record: TaskRecord): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o640, durable: false });
}

async function read(path: string): Promise<TaskRecord | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as TaskRecord | null;
    return value?.version === 1 ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw fileSystemError('read', path, error);
  }
}
