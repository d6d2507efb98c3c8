/**
 * What `run` publishes of each of its servers: `run.json` in the directory of the server, and the lock `.SERVER-run.lock`, which tells
 * whether it still runs.
 *
 * The file is written anew when something changes, and every ten seconds as a sign of life. It is a view for people and probes, and not
 * made durable.
 */
import { readFile } from 'node:fs/promises';
import type { ServerConfig } from '@walvault/config';
import { type Disk, errnoOf, fileSystemError, lockOwner } from '@walvault/durable-fs';
import { count, type Forms, object, oneOf, orNull, readForm, text, time } from '../json-form.ts';
import { CoreError } from '../errors.ts';
import { publishFile } from '../published-file.ts';
import { reportedErrorForm } from '../published-forms.ts';
import { isReportedError, type ReportedError } from '../receiver-state.ts';
import { lockPath, runStatePath } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import type { ReportedDuty } from './duty.ts';

/** The content of `run.json`. Times are ISO 8601 in UTC. */
export interface RunState {
  readonly version: 1;
  readonly server: string;
  readonly pid: number;
  /** When `run` began to look after this server. */
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly receiver: ReportedDuty;
  readonly archiver: ReportedDuty;
  readonly deletion: ReportedDuty;
  readonly healing: ReportedDuty;
  readonly verification: ReportedDuty;
}

const duty = object<ReportedDuty>({
  phase: oneOf('off', 'idle', 'working', 'waiting', 'restarting'),
  since: time,
  restarts: count,
  lastError: orNull(reportedErrorForm),
  nextStartAt: orNull(time),
});

const runForms: Forms<RunState> = {
  version: oneOf(1),
  server: text,
  pid: count,
  startedAt: time,
  updatedAt: time,
  receiver: duty,
  archiver: duty,
  deletion: duty,
  healing: duty,
  verification: duty,
};

/** How `run` is with a server. */
export interface RunHealth {
  /** PID of the `run` that looks after it, if one does. */
  readonly pid: number | undefined;
  readonly state: RunState | undefined;
  /** Why there is no state, where there is a file. */
  readonly stateError: ReportedError | undefined;
  /** It runs, and has given a sign of life within half a minute. */
  readonly isAlive: boolean;
  /** Alive, and WAL is received and archived, as far as the configuration wants that. */
  readonly isReady: boolean;
  /** Why it is not alive or not ready, in a few words. */
  readonly reason: string | undefined;
}

/** Signs of life come every {@link heartbeatMs}; without one for so long nobody is alive. */
export const aliveWithinMs = 30_000;
/** A sign of life at least so often, in milliseconds. */
export const heartbeatMs = 10_000;

/** Replaces the state, on a full disk as well. @param disk the operating system's unless given @throws {FileSystemError} */
export async function writeRunState(server: ServerConfig, state: RunState, disk?: Disk): Promise<void> {
  await publishFile(runStatePath(server), `${JSON.stringify(state, undefined, 2)}\n`, disk);
}

/**
 * Reads it; undefined when there is none.
 * @throws {CoreError} `ERR_RUN_STATE` when it holds something else; @throws {FileSystemError} when it cannot be read
 */
export async function readRunState(server: ServerConfig): Promise<RunState | undefined> {
  const path = runStatePath(server);
  let json: string;
  try {
    json = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('read', path, error);
  }
  const read = readForm<RunState>(json, runForms);
  if ('value' in read) return read.value;
  throw new CoreError('ERR_RUN_STATE', `"${path}" does not hold the state of run: ${read.fault}`, {
    hint: 'A run that looks after the server writes it anew within ten seconds. Nothing hangs on this file.',
  });
}

/** Whether `run` looks after a server, and how that goes. @throws {FileSystemError} when the lock cannot be read */
export async function runHealth(server: ServerConfig, nowMs: number = Date.now()): Promise<RunHealth> {
  const owner = await lockOwner(lockPath(server, 'run'));
  const read = await readRunState(server).catch(reportError);
  const [state, stateError] = read !== undefined && isReportedError(read) ? [undefined, read] : [read, undefined];
  const reason =
    owner === undefined ? 'is not looked after by run' : (stateError?.message ?? whyNotAlive(state, owner.pid, nowMs));
  const isAlive = reason === undefined;
  const trouble = reason ?? (state === undefined ? undefined : whyNotReady(state));
  return { pid: owner?.pid, state, stateError, isAlive, isReady: trouble === undefined, reason: trouble };
}

function whyNotAlive(state: RunState | undefined, pid: number | undefined, nowMs: number): string | undefined {
  if (state === undefined || state.pid !== pid) return 'is just being taken over by run';
  const silentMs = nowMs - Date.parse(state.updatedAt);
  return silentMs <= aliveWithinMs ? undefined : `run has given no sign of life for ${Math.round(silentMs / 1000)} s`;
}

function whyNotReady({ receiver, archiver }: RunState): string | undefined {
  if (receiver.phase !== 'working' && receiver.phase !== 'off') return `no WAL is received: ${words(receiver)}`;
  return archiver.phase === 'restarting' || archiver.phase === 'waiting' ? `no WAL is archived: ${words(archiver)}` : undefined;
}

function words({ phase, lastError }: ReportedDuty): string {
  return lastError === null ? phase : `${phase}, ${lastError.message}`;
}
