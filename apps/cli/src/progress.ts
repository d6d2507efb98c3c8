/** How far long work is, on stderr: a bar on a terminal, a line now and then elsewhere, nothing with `--quiet`. */
import type { CommandContext } from './context.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Drawing } from './output.ts';

const barWidth = 30;
const redrawMs = 100;
const lineMs = 10_000;

/** The progress of one piece of work. Dispose of it when the work is done. Lines of the output make it step aside. */
export class Progress implements Disposable, Drawing {
  readonly #context: CommandContext;
  readonly #what: string;
  readonly #unit: ProgressState['unit'];
  readonly #isBar: boolean = process.stderr.isTTY;
  #shownAt = 0;
  #startedAt: number | undefined;
  /** How far it was then. */
  #begunAt = 0;
  #isDrawn = false;

  /** @param what begins each line, such as `Reading segments` */
  constructor(context: CommandContext, what: string, unit: ProgressState['unit'] = 'pieces') {
    this.#context = context;
    this.#what = what;
    this.#unit = unit;
    context.output.cover(this);
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
    if (this.#context.options.quiet === true || now - this.#shownAt < (this.#isBar ? redrawMs : lineMs)) return;
    this.#shownAt = now;
    const state = {
      done,
      total,
      elapsedMs: now - this.#startedAt,
      begunAt: this.#begunAt,
      bytes,
      bar: this.#isBar,
      unit: this.#unit,
    };
    this.#write(progressLine(this.#what, state));
  }

  /** Wipes the bar off; the next call of `show` draws it again. */
  clear(): void {
    if (this.#isDrawn) process.stderr.write('\r\u001b[K');
    this.#isDrawn = false;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#context.output.cover(undefined);
  }

  #write(text: string): void {
    if (!this.#isBar) {
      process.stderr.write(`${text}\n`);
      return;
    }
    // A line that is too long for the terminal would go on in the next one, and stay there.
    process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
    this.#isDrawn = true;
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
  /** What `done` and `total` count; `pieces` unless given. */
  readonly unit?: 'pieces' | 'bytes' | undefined;
  readonly bar: boolean;
}

/** One line: `Reading segments [####......] 12 of 30, 700.0 MiB/s, about 4 s left`. */
export function progressLine(what: string, state: ProgressState): string {
  const { done, total, bar, unit = 'pieces' } = state;
  const part = total === 0 ? 1 : Math.min(done / total, 1);
  const filled = Math.round(part * barWidth);
  const picture = bar ? ` [${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]` : ':';
  const amount = (count: number): string => (unit === 'bytes' ? formatBytes(count) : String(count));
  return [`${what}${picture} ${amount(done)} of ${amount(total)}`, ...rateWords(state), ...timeLeftWords(state)].join(', ');
}

/** Bytes a second where they are known, else pieces. */
function rateWords({
  done,
  elapsedMs,
  begunAt = 0,
  unit,
  bytes = unit === 'bytes' ? done - begunAt : 0,
}: ProgressState): string[] {
  if (elapsedMs <= 0) return [];
  if (bytes > 0) return [`${formatBytes((bytes * 1000) / elapsedMs)}/s`];
  return done > begunAt && unit !== 'bytes' ? [`${(((done - begunAt) * 1000) / elapsedMs).toFixed(1)}/s`] : [];
}

function timeLeftWords({ done, total, elapsedMs, begunAt = 0 }: ProgressState): string[] {
  if (done <= begunAt || done >= total) return [];
  const seconds = (elapsedMs * (total - done)) / (done - begunAt) / 1000;
  return [`about ${formatDuration(Math.max(seconds, 1))} left`];
}
