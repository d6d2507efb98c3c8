/**
 * Tells the story: numbered steps, what the programs said, notes, and the verdict. Styled on a terminal, plain elsewhere and
 * under NO_COLOR (styleText of node:util decides).
 */
import type { styleText } from 'node:util';
import { LiveView, type Screen } from './live-view.ts';

/** A style or several, as `styleText` knows them. */
export type Style = Parameters<typeof styleText>[0];
/** Puts a style on a text, or leaves it alone where there are no styles. */
export type Paint = (style: Style, text: string) => string;

/** What a {@link Narrator} writes to and how. */
export interface NarratorOptions {
  readonly screen: Screen;
  readonly paint: Paint;
  /** Draw live figures in place. */
  readonly inPlace: boolean;
}

const indent = '    ';

/** The voice of the demo. */
export class Narrator {
  readonly paint: Paint;
  readonly #screen: Screen;
  readonly #inPlace: boolean;
  #steps = 0;
  #title = '';
  #live: LiveView | undefined;
  #isDone = false;

  constructor(options: NarratorOptions) {
    this.paint = options.paint;
    this.#screen = options.screen;
    this.#inPlace = options.inPlace;
  }

  /** The step under way, `5: Work`; empty before the first. */
  get step(): string {
    return this.#steps === 0 ? '' : `${this.#steps}: ${this.#title.replace(/:$/, '')}`;
  }

  headline(text: string): void {
    this.#line(this.paint('bold', text));
  }

  /** Begins a step: what is done, and why it matters. */
  begin(title: string, why: string): void {
    this.#steps += 1;
    this.#title = title;
    const words = [...styledWords(title, (word) => this.paint('bold', word)), ...styledWords(why, (word) => word)];
    const number = this.paint(['bold', 'cyan'], String(this.#steps).padStart(2));
    this.#line(`\n${number}  ${wrap(words, this.#columns)}`);
  }

  /** A detail. */
  note(text: string): void {
    const words = styledWords(text, (word) => this.paint('dim', word));
    this.#line(`${indent}${wrap(words, this.#columns)}`);
  }

  /** A command as one would type it, with what it printed. */
  command(words: string, output: string): void {
    this.#line(`${indent}${this.paint('cyan', `$ ${words}`)}`);
    this.quote(output);
  }

  /** Lines of a program or a file, each as it is. */
  quote(text: string): void {
    for (const line of text.trimEnd().split('\n')) if (text !== '') this.#line(`${indent}${this.paint('dim', line)}`);
  }

  /** The answer that all of this was for. Always a line of its own, from its first character on. */
  verdict(isGood: boolean, text: string): void {
    this.#line(`\n${this.paint(['bold', isGood ? 'green' : 'red'], text)}`);
  }

  /** Something that went wrong. */
  trouble(text: string): void {
    this.#line(this.paint('red', text));
  }

  /** The last words before an early end: what a step under way still has to say interests nobody any more. */
  breakOff(text: string): void {
    this.#line(`\n${text}`);
    this.#isDone = true;
  }

  /** A part of what follows the story. */
  plain(text: string): void {
    this.#line(text);
  }

  /** Figures that change in place. Ends when it is disposed, or something else is said. */
  live(): LiveView {
    this.#live = new LiveView(this.#screen, { inPlace: this.#inPlace });
    if (this.#isDone) this.#live[Symbol.dispose]();
    return this.#live;
  }

  get #columns(): number {
    return this.#screen.isTTY === true ? (this.#screen.columns ?? 80) : Infinity;
  }

  #line(text: string): void {
    this.#live?.[Symbol.dispose]();
    this.#live = undefined;
    if (!this.#isDone) this.#screen.write(`${text}\n`);
  }
}

interface Word {
  readonly length: number;
  readonly styled: string;
}

function styledWords(text: string, style: (word: string) => string): Word[] {
  return text.split(' ').map((word) => ({ length: word.length, styled: style(word) }));
}

/** Breaks lines between words, the following ones indented like the first. */
function wrap(words: readonly Word[], columns: number): string {
  let text = '';
  let used = indent.length;
  for (const { length, styled } of words) {
    const isFirst = text === '';
    const breaks = !isFirst && used + 1 + length >= columns;
    text += `${breaks ? `\n${indent}` : isFirst ? '' : ' '}${styled}`;
    used = breaks ? indent.length + length : used + length + (isFirst ? 0 : 1);
  }
  return text;
}
