/** How far long work is, on stderr: a bar on a terminal, a line now and then elsewhere, nothing with `--quiet`. */
import type { CommandContext } from './context.ts';
import { formatBytes } from './format.ts';

const barWidth = 30;
const redrawMs = 100;
const lineMs = 10_000;

/** The progress of one piece of work. Dispose of it when the work is done, or before anything else is printed. */
export class Progress implements Disposable {
  readonly #what: string;
  readonly #isQuiet: boolean;
  readonly #isBar: boolean = process.stderr.isTTY;
  #shownAt = 0;
  #startedAt: number | undefined;
  /** How far it was then. */
  #begunAt = 0;
  #isDrawn = false;

  /** @param what begins each line, such as `Reading segments` */
  constructor({ options }: CommandContext, what: string) {
    this.#what = what;
    this.#isQuiet = options.quiet === true;
  }

  /**
   * Says how far it is; cheap enough to be called for each of many things.
   * @param bytes that were read since the first call, which makes a rate
   */
  show(done: number, total: number, bytes?: number): void {
    const now = performance.now();
    if (this.#startedAt === undefined) this.#begunAt = done;
    this.#startedAt ??= now;
    if (this.#shownAt === 0 && !this.#isBar) this.#shownAt = now;
    if (this.#isQuiet || now - this.#shownAt < (this.#isBar ? redrawMs : lineMs)) return;
    this.#shownAt = now;
    const elapsedMs = now - this.#startedAt;
    const text = progressLine(this.#what, { done, total, elapsedMs, begunAt: this.#begunAt, bytes, bar: this.#isBar });
    process.stderr.write(this.#isBar ? `\r\u001b[K${text}` : `${text}\n`);
    this.#isDrawn = this.#isBar;
  }

  [Symbol.dispose](): void {
    if (this.#isDrawn) process.stderr.write('\r\u001b[K');
    this.#isDrawn = false;
  }
}

/** How far it is. */
export interface ProgressState {
  readonly done: number;
  readonly total: number;
  readonly elapsedMs: number;
  /** How much was done before the time began to run; 0 unless given. */
  readonly begunAt?: number | undefined;
  /** Read in that time. */
  readonly bytes?: number | undefined;
  readonly bar: boolean;
}

/** One line: `Reading segments [####......] 12 of 30, 700.0 MiB/s, about 4 s left`. */
export function progressLine(what: string, state: ProgressState): string {
  const { done, total, elapsedMs, begunAt = 0, bytes = 0, bar } = state;
  const part = total === 0 ? 1 : Math.min(done / total, 1);
  const filled = Math.round(part * barWidth);
  const picture = bar ? ` [${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]` : ':';
  const rate = bytes > 0 && elapsedMs > 0 ? `, ${formatBytes((bytes * 1000) / elapsedMs)}/s` : '';
  const leftSeconds = Math.round((elapsedMs * (total - done)) / (done - begunAt) / 1000);
  const left = done > begunAt && done < total ? `, about ${leftSeconds} s left` : '';
  return `${what}${picture} ${done} of ${total}${rate}${left}`;
}
