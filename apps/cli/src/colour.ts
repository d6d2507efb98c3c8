/**
 * Colour, for the words that say how it stands: ERROR and FAILED red, WARNING yellow, OK green, and nothing else. `--color` says when;
 * `auto` is on a terminal only, and never where NO_COLOR is set (https://no-color.org).
 */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

/** When to colour. */
export type ColourChoice = 'never' | 'always' | 'auto';

/** What a word says. */
export type Mood = 'good' | 'careful' | 'bad';

const colours = { good: 'green', careful: 'yellow', bad: 'red' } as const;

/** Whether a stream gets colour. */
export function isColoured(choice: ColourChoice, stream: WriteStream): boolean {
  return coloured('?', 'bad', choice, stream) !== '?';
}

/** A word in its colour, if the choice and the stream that it goes to are for it. */
export function coloured(word: string, mood: Mood, choice: ColourChoice, stream: WriteStream): string {
  if (choice === 'never') return word;
  return styleText(colours[mood], word, choice === 'always' ? { validateStream: false } : { stream });
}
