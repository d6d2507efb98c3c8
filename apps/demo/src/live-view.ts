/**
 * Figures that change while one looks at them. On a terminal a block of lines is drawn again in its place; elsewhere, in a
 * file or the log of a CI run, a plain line is written about once a second.
 */
import { stripVTControlCharacters } from 'node:util';

/** Where to write: process.stdout, or what a test looks at. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal in characters. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** One moment, in both forms. */
export interface Frame {
  /** For a terminal. May be styled; the number of lines may change from frame to frame. */
  readonly block: readonly string[];
  /** For everything else. */
  readonly line: string;
}

/** Options of a {@link LiveView}. */
export interface LiveViewOptions {
  /** Draw blocks in place. The caller decides: a terminal may still be one that cannot move its cursor. */
  readonly inPlace: boolean;
  /** The least time between two plain lines. Default one second. */
  readonly plainIntervalMs?: number | undefined;
  /** The clock, in milliseconds. */
  readonly now?: (() => number) | undefined;
}

const eraseToEndOfLine = '\x1b[K';
const eraseBelow = '\x1b[J';
const fallbackColumns = 80;

/** Shows one frame after the other. The last one stays on the screen when the view is disposed. */
export class LiveView implements Disposable {
  readonly #screen: Screen;
  readonly #inPlace: boolean;
  readonly #plainIntervalMs: number;
  readonly #now: () => number;
  #drawnLines = 0;
  #lastLineAt = -Infinity;
  #lastLine = '';
  #unsaid: string | undefined;
  #over = false;

  constructor(screen: Screen, options: LiveViewOptions) {
    this.#screen = screen;
    this.#inPlace = options.inPlace;
    this.#plainIntervalMs = options.plainIntervalMs ?? 1000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Shows a frame; a plain line waits until the one before is old enough, and is not said twice. */
  show(frame: Frame): void {
    if (this.#over) return;
    if (this.#inPlace) this.#draw(frame.block);
    else if (frame.line === this.#lastLine) this.#unsaid = undefined;
    else if (this.#now() - this.#lastLineAt >= this.#plainIntervalMs) this.#say(frame.line);
    else this.#unsaid = frame.line;
  }

  /** Ends the view: what is shown later is not. What was not worth a line of its own yet is said now, so that the last figures are there. */
  [Symbol.dispose](): void {
    if (this.#unsaid !== undefined) this.#say(this.#unsaid);
    this.#over = true;
  }

  #say(line: string): void {
    this.#screen.write(`${line}\n`);
    this.#lastLineAt = this.#now();
    this.#lastLine = line;
    this.#unsaid = undefined;
  }

  /** In one write, so that no half-drawn block is ever seen. */
  #draw(block: readonly string[]): void {
    const columns = this.#screen.columns ?? fallbackColumns;
    const back = this.#drawnLines === 0 ? '' : `\x1b[${this.#drawnLines}A`;
    const lines = block.map((line) => `\r${fit(line, columns)}${eraseToEndOfLine}\n`);
    this.#screen.write(back + lines.join('') + eraseBelow);
    this.#drawnLines = block.length;
  }
}

/** A line that wrapped would be two, and the next frame would be drawn one too low. */
function fit(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length < columns ? line : `${plain.slice(0, Math.max(0, columns - 2))}…`;
}
