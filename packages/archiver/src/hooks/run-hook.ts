/**
 * One run of one hook script, by `sh -c` as Barman does it, in a process group of its own: what the script has started
 * ends with it when it takes too long or when we are to stop. A hook that hangs holds up nobody who wants to leave.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@walvault/wal';
import { eachLine } from './hook-output.ts';

/** What to run, and how. */
export interface HookRun {
  /** For the shell. */
  readonly script: string;
  /** Of the script, as messages name it: `pre_archive_script`. */
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
  /** 0 for no limit. */
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly log: Logger;
}

/** How a script ended. */
export interface HookEnd {
  /** Exit code; undefined when a signal ended it, when it took too long, or when it could not be started. */
  readonly code: number | undefined;
  /** The same in words: `ended with exit code 3`. */
  readonly text: string;
}

/** How long what a script has left running may keep its output open after the script itself has ended. */
const outputGraceMs = 1000;

/**
 * Runs a script to its end. Its standard output goes to the log as debug lines, its standard error as warnings.
 * @throws the signal's reason when it is aborted; the script and all of its process group have been ended then
 */
export async function runHook(run: HookRun): Promise<HookEnd> {
  run.signal?.throwIfAborted();
  let child: ChildProcess;
  try {
    child = spawn('sh', ['-c', run.script], { env: run.environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  } catch (error) {
    return notStarted(error);
  }
  const { pid, stdout, stderr } = child;
  const output = Promise.all([
    eachLine(stdout, (line) => run.log.debug({ hook: run.name, pid }, line)),
    eachLine(stderr, (line) => run.log.warn({ hook: run.name, pid }, line)),
  ]);
  try {
    return await endOf(child, run);
  } finally {
    await closeOutput([stdout, stderr], output);
  }
}

async function endOf(child: ChildProcess, run: HookRun): Promise<HookEnd> {
  const limits = new AbortController();
  const timer = run.timeoutMs > 0 ? setTimeout(() => limits.abort(), run.timeoutMs) : undefined;
  const onStop = (): void => limits.abort();
  run.signal?.addEventListener('abort', onStop, { once: true });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  try {
    const first = await Promise.race([ended, once(limits.signal, 'abort').then(() => undefined)]);
    if (first !== undefined) return describe(...first);
    await endGroup(child, ended, run.graceMs);
    run.signal?.throwIfAborted();
    return { code: undefined, text: `did not end within ${run.timeoutMs / 1000} s and was stopped` };
  } catch (error) {
    if (child.pid !== undefined) throw error;
    return notStarted(error);
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', onStop);
  }
}

/** SIGTERM for the whole group, SIGKILL for what is left of it after a while. */
async function endGroup(child: ChildProcess, ended: Promise<unknown>, graceMs: number): Promise<void> {
  signalGroup(child.pid, 'SIGTERM');
  const grace = new AbortController();
  await Promise.race([ended, sleep(graceMs, undefined, { signal: grace.signal }).catch(() => undefined)]);
  grace.abort();
  signalGroup(child.pid, 'SIGKILL');
  await ended;
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody of the group is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function closeOutput(streams: readonly (Readable | null)[], output: Promise<unknown>): Promise<void> {
  const grace = new AbortController();
  await Promise.race([output, sleep(outputGraceMs, undefined, { signal: grace.signal }).catch(() => undefined)]);
  grace.abort();
  for (const stream of streams) stream?.destroy();
  await output;
}

function notStarted(error: unknown): HookEnd {
  return { code: undefined, text: `could not be started: ${error instanceof Error ? error.message : String(error)}` };
}

function describe(code: number | null, signal: NodeJS.Signals | null): HookEnd {
  if (code === null) return { code: undefined, text: `was ended by ${signal ?? 'a signal'}` };
  return { code, text: `ended with exit code ${code}` };
}
