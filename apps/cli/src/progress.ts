/** How far long work is, on stderr: a bar on a terminal, a line now and then elsewhere, nothing with `--quiet`. */
import type { CommandContext } from './context.ts';

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
  #isDrawn = false;

  /** @param what begins each line, such as `Reading segments` */
  constructor({ options }: CommandContext, what: string) {
    this.#what = what;
    this.#isQuiet = options.quiet === true;
  }

  /** Says how far it is; cheap enough to be called for each of many things. */
  show(done: number, total: number): void {
    const now = performance.now();
    this.#startedAt ??= now;
    if (this.#shownAt === 0 && !this.#isBar) this.#shownAt = now;
    if (this.#isQuiet || now - this.#shownAt < (this.#isBar ? redrawMs : lineMs)) return;
    this.#shownAt = now;
    const text = progressLine(this.#what, { done, total, elapsedMs: now - this.#startedAt, bar: this.#isBar });
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
  readonly bar: boolean;
}

/** One line: `Reading segments [####......] 12 of 30, about 4 s left`. */
export function progressLine(what: string, { done, total, elapsedMs, bar }: ProgressState): string {
  const part = total === 0 ? 1 : Math.min(done / total, 1);
  const filled = Math.round(part * barWidth);
  const picture = bar ? ` [${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]` : ':';
  const leftSeconds = Math.round((elapsedMs * (1 - part)) / part / 1000);
  const left = done > 0 && done < total ? `, about ${leftSeconds} s left` : '';
  return `${what}${picture} ${done} of ${total}${left}`;
}
