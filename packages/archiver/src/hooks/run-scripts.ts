/**
 * The hook scripts around archiving and deleting a WAL file, in Barman's order:
 *
 *   pre script, pre retry script, (the work), post retry script, post script
 *
 * How a plain script ends is only logged. A retry script is run again until it ends with 0 (done), 62 (done with, go on)
 * or 63 (stop): with a pause of 3 s, and of 60 s after each fifth failure in a row. 63 before the work ends the whole run,
 * with the file where it is; after the work there is nothing to stop any more, so that it is logged.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, silentLogger } from '@walvault/wal';
import { hookEnvironment, type HookFile, type HookKind, hookOptionName, type HookSubject } from './hook-environment.ts';
import { runHook } from './run-hook.ts';

/** Commands for the shell. What is not set is not run. */
export interface HookScripts {
  readonly pre?: string | undefined;
  readonly preRetry?: string | undefined;
  readonly postRetry?: string | undefined;
  readonly post?: string | undefined;
}

/** How scripts are run. */
export interface HookOptions {
  readonly subject: HookSubject;
  /** How long one run of a script may take in milliseconds; 0 or not given for no limit. What takes longer has failed. */
  readonly timeoutMs?: number | undefined;
  /** Ends what runs, and waits no longer; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Gets the output: standard output as debug lines, standard error as warnings. */
  readonly log?: Logger | undefined;
  /** Waits between two runs of a retry script, for so many milliseconds; with the clock of this machine unless given. */
  readonly pause?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** How long what is to end may take to do so by itself, in milliseconds. 5 s unless given. */
  readonly graceMs?: number | undefined;
}

/** Exit code of a retry script: do not run it again, go on. */
const abortContinue = 62;
/** Exit code of a retry script: do not run it again, and stop. */
const abortStop = 63;

const pauseMs = 3000;
const longPauseMs = 60_000;
const failuresBeforeLongPause = 5;

/**
 * Runs the scripts before the work on a file.
 * @returns `stop` when the retry script says so: then the file is left alone, and the run is over
 * @throws the reason of the signal
 */
export async function runPreScripts(scripts: HookScripts, file: HookFile, options: HookOptions): Promise<'go' | 'stop'> {
  const { subject, log = silentLogger } = options;
  if (scripts.pre !== undefined) await runOnce(scripts.pre, { subject, phase: 'pre', isRetry: false }, file, options);
  if (scripts.preRetry === undefined) return 'go';
  const kind: HookKind = { subject, phase: 'pre', isRetry: true };
  if ((await runUntilDone(scripts.preRetry, kind, file, options)) !== abortStop) return 'go';
  const work = subject === 'archive' ? 'Archiving' : 'Deletion';
  log.warn(fieldsOf(kind, file), `${work} of ${file.serverName}/${file.name} aborted by ${hookOptionName(kind)}`);
  return 'stop';
}

/**
 * Runs the scripts after the work on a file, also when it has failed; `file.error` then says why.
 * @throws the reason of the signal
 */
export async function runPostScripts(scripts: HookScripts, file: HookFile, options: HookOptions): Promise<void> {
  const { subject, log = silentLogger } = options;
  if (scripts.postRetry !== undefined) {
    const kind: HookKind = { subject, phase: 'post', isRetry: true };
    if ((await runUntilDone(scripts.postRetry, kind, file, options)) === abortStop)
      log.warn(
        fieldsOf(kind, file),
        `${hookOptionName(kind)} asks to stop (exit code ${abortStop}) when the work is done; ignored`,
      );
  }
  if (scripts.post !== undefined) await runOnce(scripts.post, { subject, phase: 'post', isRetry: false }, file, options);
}

/** Gives the exit code; undefined when there is none. What is not 0 is logged. */
async function runOnce(script: string, kind: HookKind, file: HookFile, options: HookOptions): Promise<number | undefined> {
  const { log = silentLogger, timeoutMs = 0, graceMs = 5000, signal } = options;
  const name = hookOptionName(kind);
  log.debug(fieldsOf(kind, file), `running ${name}`);
  const end = await runHook({ script, name, environment: hookEnvironment(kind, file), timeoutMs, graceMs, signal, log });
  if (end.code !== 0) log.warn(fieldsOf(kind, file), `${name} ${end.text}`);
  return end.code;
}

async function runUntilDone(script: string, kind: HookKind, file: HookFile, options: HookOptions): Promise<number> {
  const { log = silentLogger, signal, pause = pauseByClock } = options;
  for (let failures = 1; ; failures += 1) {
    const code = await runOnce(script, kind, file, options);
    if (code === 0 || code === abortContinue || code === abortStop) return code;
    const isLong = failures % failuresBeforeLongPause === 0;
    if (isLong) log.error(fieldsOf(kind, file), `${hookOptionName(kind)} has failed ${failures} times for ${file.name}`);
    await pause(isLong ? longPauseMs : pauseMs, signal);
  }
}

async function pauseByClock(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

function fieldsOf(kind: HookKind, file: HookFile): { readonly server: string; readonly file: string; readonly hook: string } {
  return { server: file.serverName, file: file.name, hook: hookOptionName(kind) };
}
