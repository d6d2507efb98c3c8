/**
 * One server process: started, waited for until it takes connections, asked to stop, or killed with all its children.
 *
 * Ready is what the server itself writes into postmaster.pid (pg_ctl reads the same line), so waiting costs no connection.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fchownSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killProcessesBelow, killQuietly } from './processes.ts';
import { serverUser, spawnAsServerUser } from './server-user.ts';

/** How a server is asked to stop: wait for clients, cut them off, or stop as in a crash (recovery at the next start). */
export type StopMode = 'smart' | 'fast' | 'immediate';

/** What a {@link Postmaster} is started with. */
export interface PostmasterOptions {
  /** Path of the program `postgres`. */
  readonly program: string;
  readonly dataDirectory: string;
  /** The configuration file, which may lie outside of the data directory. */
  readonly configFile: string;
  /** Where the server's standard output and error are appended. */
  readonly logFile: string;
}

const stopSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;
const stopTimeoutMs = 60_000;

/** A server stopped before it took connections: what it said is in `log`. */
export class ServerStartError extends Error {
  /** What the server wrote since it was started. */
  readonly log: string;

  constructor(message: string, log: string) {
    super(`${message}\n${log.split('\n').slice(-25).join('\n')}`);
    this.name = 'ServerStartError';
    this.log = log;
  }
}

/** A PostgreSQL server process that can be started again and again on its data directory. */
export class Postmaster {
  readonly #options: PostmasterOptions;
  #process: ChildProcess | undefined;

  constructor(options: PostmasterOptions) {
    this.#options = options;
  }

  /** Whether the server process runs. */
  get running(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Process ID of the postmaster, undefined when it does not run. */
  get pid(): number | undefined {
    return this.running ? this.#process?.pid : undefined;
  }

  /**
   * Starts the server and waits until it takes connections; when it runs already there is nothing to do.
   * @throws {ServerStartError} when it stops before, or is not there in time (it is killed then)
   */
  async start(timeoutMs: number): Promise<void> {
    if (this.running) return;
    const { program, dataDirectory, configFile, logFile } = this.#options;
    const log = openSync(logFile, 'a', 0o644);
    const owner = serverUser();
    if (owner !== undefined) fchownSync(log, owner.uid, owner.gid);
    const logStart = readFileSync(logFile).length;
    const child = spawnAsServerUser(program, ['-D', dataDirectory, '-c', `config_file=${configFile}`], {
      cwd: dataDirectory,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    let spawnError: Error | undefined;
    child.on('error', (error) => (spawnError = error));
    // A server that a test forgets must not keep the test process alive; the guardian ends it.
    child.unref();
    this.#process = child;
    await this.#becomeReady(timeoutMs, () => spawnError?.message ?? readFileSync(logFile).subarray(logStart).toString());
  }

  async #becomeReady(timeoutMs: number, said: () => string): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#isReady()) {
      if (!this.running || this.#process?.pid === undefined)
        throw new ServerStartError('the server stopped before it was ready', said());
      if (performance.now() > deadline) {
        await this.kill();
        throw new ServerStartError(`the server was not ready within ${timeoutMs} ms`, said());
      }
      await sleep(10);
    }
  }

  /** Line 1 of postmaster.pid is the process ID, line 8 the state (miscadmin.h, LOCK_FILE_LINE_PM_STATUS). */
  #isReady(): boolean {
    try {
      const lines = readFileSync(join(this.#options.dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
      return Number(lines[0]) === this.#process?.pid && ['ready', 'standby'].includes(lines[7]?.trim() ?? '');
    } catch {
      return false;
    }
  }

  /** Stops the server and waits until it is gone. Nothing happens when it does not run. */
  async stop(mode: StopMode): Promise<void> {
    if (this.pid === undefined) return;
    killQuietly(this.pid, stopSignals[mode]);
    await this.exited(stopTimeoutMs);
  }

  /**
   * Waits until the server is gone by itself, and says how it went (null: by a signal).
   * @throws {Error} when it still runs after `timeoutMs`
   */
  async exited(timeoutMs: number): Promise<number | null> {
    const child = this.#process;
    if (child !== undefined && this.running) {
      child.ref();
      await once(child, 'exit', { signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
        throw new Error(`the server with process ID ${child.pid} did not stop within ${timeoutMs} ms`, { cause: error });
      });
    }
    return child?.exitCode ?? null;
  }

  /** Kills postmaster and children (SIGKILL), as a crash of the machine's memory would, and waits until all are gone. */
  async kill(): Promise<void> {
    // The postmaster first: it would restart its children, or clean up behind them.
    if (this.pid !== undefined) killQuietly(this.pid, 'SIGKILL');
    await this.exited(stopTimeoutMs);
    await killProcessesBelow(this.#options.dataDirectory);
  }

  /** Makes the server look for the file `promote` in its data directory (SIGUSR1). */
  promote(): void {
    if (this.pid !== undefined) killQuietly(this.pid, 'SIGUSR1');
  }

  /** Makes the server read its configuration again (SIGHUP). */
  reload(): void {
    if (this.pid !== undefined) killQuietly(this.pid, 'SIGHUP');
  }
}
