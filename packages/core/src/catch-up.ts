/**
 * A receiver that is far behind its server says how far it has come: in the log at the begin, at the end and now and then between, or to
 * somebody who draws it. As long as it keeps up it says nothing.
 */
import { type Logger, type Lsn, parseLsn } from '@walvault/wal';
import type { ReceiverState } from './receiver-state.ts';

/** So many segments behind is a backlog; less than one is none any more. */
const farBehind = 4;
const lineMs = 10_000;
const mebibyte = 1024 ** 2;

/** Bytes of WAL that have come since the catch-up began, and how many it is to be. The server goes on writing, so that the latter grows. */
export interface CatchUpProgress {
  readonly done: number;
  readonly total: number;
}

/** Whom to tell. */
export interface CatchUpOptions {
  readonly log: Logger;
  /** Told a few times a second, in place of the lines between, and with undefined when it is over or has broken off. */
  readonly onProgress?: ((progress: CatchUpProgress | undefined) => void) | undefined;
  /** Milliseconds, of any clock that does not go back; that of the process unless given. */
  readonly now?: (() => number) | undefined;
}

interface Running {
  readonly from: Lsn;
  readonly sinceMs: number;
  toldAtMs: number;
}

/** Follows the states of one receiver. */
export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #now: () => number;
  #running: Running | undefined;

  constructor(options: CatchUpOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Takes the next state. */
  follow({ phase, writtenLsn, serverLsn, walSegmentSize }: ReceiverState): void {
    if (phase !== 'streaming' || writtenLsn === null || serverLsn === null || walSegmentSize === null) return this.#leave();
    const [written, end] = [parseLsn(writtenLsn), parseLsn(serverLsn)];
    const behind = Number(end - written);
    if (this.#running === undefined && behind >= farBehind * walSegmentSize) this.#begin(written, behind);
    if (this.#running === undefined) return;
    if (behind < walSegmentSize) this.#finish(this.#running, written);
    else this.#tell(this.#running, written, end);
  }

  #leave(): void {
    if (this.#running !== undefined) this.#options.onProgress?.(undefined);
    this.#running = undefined;
  }

  #begin(from: Lsn, behind: number): void {
    this.#options.log.info({ bytes: behind }, `catching up with the server: ${mebibytes(behind)} behind`);
    this.#running = { from, sinceMs: this.#now(), toldAtMs: this.#now() };
  }

  #tell(running: Running, written: Lsn, end: Lsn): void {
    const [done, total] = [Number(written - running.from), Number(end - running.from)];
    if (this.#options.onProgress !== undefined) return this.#options.onProgress({ done, total });
    const now = this.#now();
    if (now - running.toldAtMs < lineMs) return;
    running.toldAtMs = now;
    const bytesPerSecond = Math.round((done * 1000) / (now - running.sinceMs));
    const secondsLeft = done === 0 ? undefined : Math.round((total - done) / bytesPerSecond);
    const left = secondsLeft === undefined ? '' : `, about ${secondsLeft} s left`;
    const words = `${mebibytes(done)} of ${mebibytes(total)}, ${mebibytes(bytesPerSecond)}/s${left}`;
    this.#options.log.info({ done, total, bytesPerSecond, secondsLeft }, `catching up with the server: ${words}`);
  }

  #finish(running: Running, written: Lsn): void {
    this.#leave();
    const bytes = Number(written - running.from);
    const seconds = Math.max((this.#now() - running.sinceMs) / 1000, 0.001);
    const bytesPerSecond = Math.round(bytes / seconds);
    const words = `${mebibytes(bytes)} in ${seconds.toFixed(1)} s, ${mebibytes(bytesPerSecond)}/s`;
    this.#options.log.info({ bytes, seconds: Number(seconds.toFixed(1)), bytesPerSecond }, `caught up with the server: ${words}`);
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}
