/**
 * A receiver that is far behind its server says how far it has come: by a bar on a terminal, by a line of the log now and then
 * elsewhere. As long as it keeps up it says nothing.
 */
import type { ReceiverState } from '@walvault/core';
import { type Lsn, parseLsn } from '@walvault/wal';
import type { CommandContext } from './context.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { OpenLog } from './log.ts';
import { Progress } from './progress.ts';

/** So many segments behind is a backlog; less than one is none any more. */
const farBehind = 4;
const lineMs = 10_000;

/** What a catch-up is told by. */
export interface CatchUpOptions {
  readonly context: CommandContext;
  readonly log: OpenLog;
  /** Whether the log goes to the terminal, so that a bar can stand below it. */
  readonly hasTerminal: boolean;
  /** Milliseconds, of any clock that does not go back; that of the process unless given. */
  readonly now?: (() => number) | undefined;
}

/** A catch-up that is on its way. */
interface Running {
  readonly from: Lsn;
  readonly sinceMs: number;
  toldAtMs: number;
  readonly bar: Progress | undefined;
}

/** Follows the states of one receiver. Dispose of it when the receiver ends. */
export class CatchUp implements Disposable {
  readonly #options: CatchUpOptions;
  readonly #now: () => number;
  #running: Running | undefined;

  constructor(options: CatchUpOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Takes the next state. */
  follow({ phase, writtenLsn, serverLsn, walSegmentSize }: ReceiverState): void {
    if (phase !== 'streaming' || writtenLsn === null || serverLsn === null || walSegmentSize === null) {
      this[Symbol.dispose]();
      return;
    }
    const [written, end] = [parseLsn(writtenLsn), parseLsn(serverLsn)];
    const behind = Number(end - written);
    if (this.#running === undefined && behind >= farBehind * walSegmentSize) this.#begin(written, behind);
    if (this.#running === undefined) return;
    if (behind < walSegmentSize) this.#finish(this.#running, written);
    else this.#tell(this.#running, written, end);
  }

  /** Without a word. */
  [Symbol.dispose](): void {
    this.#running?.bar?.[Symbol.dispose]();
    this.#running = undefined;
  }

  #begin(from: Lsn, behind: number): void {
    const { context, log, hasTerminal } = this.#options;
    log.info({ bytes: behind }, `catching up with the server: ${formatBytes(behind)} behind`);
    const bar = hasTerminal ? new Progress(context, 'Catching up', 'bytes') : undefined;
    this.#running = { from, sinceMs: this.#now(), toldAtMs: this.#now(), bar };
  }

  #tell(running: Running, written: Lsn, end: Lsn): void {
    const [done, total] = [Number(written - running.from), Number(end - running.from)];
    const now = this.#now();
    if (running.bar !== undefined) running.bar.show(done, total);
    else if (now - running.toldAtMs >= lineMs) {
      running.toldAtMs = now;
      const bytesPerSecond = Math.round((done * 1000) / (now - running.sinceMs));
      const left = done > 0 ? `, about ${formatDuration((total - done) / bytesPerSecond)} left` : '';
      const words = `${formatBytes(done)} of ${formatBytes(total)}, ${formatBytes(bytesPerSecond)}/s${left}`;
      this.#options.log.info({ done, total, bytesPerSecond }, `catching up: ${words}`);
    }
  }

  #finish(running: Running, written: Lsn): void {
    this[Symbol.dispose]();
    const bytes = Number(written - running.from);
    const seconds = Math.max((this.#now() - running.sinceMs) / 1000, 0.001);
    const words = `${formatBytes(bytes)} in ${formatDuration(seconds)}, ${formatBytes(bytes / seconds)}/s`;
    this.#options.log.info({ bytes, seconds: Number(seconds.toFixed(1)) }, `caught up with the server: ${words}`);
  }
}
