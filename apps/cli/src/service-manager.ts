/**
 * What a service manager is told: readiness, status and signs of life, by the protocol of sd_notify(3).
 *
 * Node has no datagram sockets of the file system, so systemd's own program `systemd-notify` sends the messages. They come from a child
 * process then, which the unit allows by `NotifyAccess=all`. Without NOTIFY_SOCKET in the environment nothing is sent.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from '@walvault/wal';

/** Tells the service manager, if there is one, until it is disposed of. */
export class ServiceManager implements AsyncDisposable {
  readonly #isThere = process.env['NOTIFY_SOCKET'] !== undefined;
  readonly #log: Logger;
  #last: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #watchdog: NodeJS.Timeout | undefined;
  #status = '';

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Everything has begun. From now on there are signs of life, twice as often as the manager wants them. */
  ready(status: string): void {
    this.#status = status;
    this.#tell('READY=1', `STATUS=${status}`);
    const watchdogMs = watchdogOf(process.env);
    if (watchdogMs === undefined) return;
    this.#watchdog ??= setInterval(() => this.#tell('WATCHDOG=1'), watchdogMs / 2);
    this.#watchdog.unref();
  }

  /** One line about how it goes; sent when it is another one. */
  status(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#tell(`STATUS=${status}`);
  }

  /** The configuration is being read again; {@link ready} says that this is done. */
  reloading(): void {
    // CLOCK_MONOTONIC, which Type=notify-reload compares with the time of its signal.
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  /** The end has begun. */
  stopping(): void {
    this.#tell('STOPPING=1', 'STATUS=ending');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watchdog);
    await this.#last;
  }

  /** In order, one message at a time. */
  #tell(...assignments: readonly string[]): void {
    if (this.#isThere) this.#last = this.#last.then(() => this.#send(assignments));
  }

  /** Never rejects: nobody's WAL hangs on it. */
  async #send(assignments: readonly string[]): Promise<void> {
    try {
      const child = spawn('systemd-notify', [...assignments], { stdio: 'ignore' });
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`systemd-notify ended with ${code ?? 'a signal'}`);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#log.warn({ error: String(error) }, 'the service manager could not be told how it goes');
      this.#hasFailed = true;
    }
  }
}

/** How often the manager wants a sign of life, in milliseconds; undefined when it wants none of this process. */
function watchdogOf(environment: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = environment;
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  const ms = Number(microseconds) / 1000;
  return ms > 0 ? ms : undefined;
}
