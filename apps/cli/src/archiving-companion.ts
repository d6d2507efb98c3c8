/**
 * The archiver that a receiver starts beside itself (`archive_when_complete = on`): a process of its own, so that nothing that happens
 * to it touches the receiving. It ends with the receiver, and is started again when it ends by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveServerConfig } from '@walvault/core';
import { type BackgroundCommand, executable } from './background.ts';
import type { OpenLog } from './log.ts';

/** What a companion needs. */
export interface CompanionOptions {
  readonly live: LiveServerConfig;
  readonly command: BackgroundCommand;
  readonly log: OpenLog;
}

const firstPauseMs = 1000;
const longestPauseMs = 60_000;
/** One that has lived so long has done well. */
const goodLifeMs = 300_000;
/** A pass that is being ended may be in the middle of a large file. A killed one loses nothing. */
const patienceMs = 10_000;

/** Keeps an archiver running as long as the configuration says so; disposing of it ends the archiver in good order. */
export class ArchivingCompanion implements AsyncDisposable {
  readonly #options: CompanionOptions;
  readonly #stop = new AbortController();
  #supervision: Promise<void> | undefined;
  #child: ChildProcess | undefined;

  constructor(options: CompanionOptions) {
    this.#options = options;
  }

  /** To be called when the receiver runs; again does nothing. */
  begin(): void {
    this.#supervision ??= this.#supervise();
  }

  /** Ends the archiver that runs; another one begins by the configuration of now. */
  restart(): void {
    this.#child?.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#child?.kill('SIGTERM');
    const killing = setTimeout(() => this.#child?.kill('SIGKILL'), patienceMs);
    await this.#supervision;
    clearTimeout(killing);
  }

  /** Never rejects. */
  async #supervise(): Promise<void> {
    const { live, log } = this.#options;
    let pauseMs = firstPauseMs;
    while (!this.#stop.signal.aborted) {
      if (!live.current.archiveWhenComplete) {
        await this.#changeOrStop();
        continue;
      }
      const began = performance.now();
      const how = await this.#run();
      if (this.#stop.signal.aborted) return;
      if (how === 'as it was told') continue;
      pauseMs = performance.now() - began > goodLifeMs ? firstPauseMs : Math.min(2 * pauseMs, longestPauseMs);
      log.warn({ pauseMs }, `the archiver beside the receiver ended with ${how}; it is started again in a moment`);
      await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** One life of the child. Its standard input is the pipe by which it learns that this process is gone. */
  async #run(): Promise<string> {
    const { command, log } = this.#options;
    try {
      const child = spawn(process.execPath, [executable, ...command.args], { cwd: '/', stdio: ['pipe', 'ignore', 'inherit'] });
      this.#child = child;
      child.stdin.on('error', () => undefined); // it may be gone at any time
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      return code === 0 ? 'as it was told' : signal === null ? `exit code ${code}` : `signal ${signal}`;
    } catch (error) {
      log.error({}, `could not start the archiver beside the receiver: ${String(error)}`);
      return 'an error at its start';
    } finally {
      this.#child = undefined;
    }
  }

  /** The configuration, read again, may switch it on. */
  async #changeOrStop(): Promise<void> {
    const signal = AbortSignal.any([this.#options.live.change, this.#stop.signal]);
    if (!signal.aborted) await once(signal, 'abort');
  }
}
