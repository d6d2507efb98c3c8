/**
 * Options of a scenario as a table: what is read from the command line and what the help says cannot differ. The values come
 * out typed by what each option reads.
 */
import { parseArgs } from 'node:util';
import { BenchFailure } from './failure.ts';

/** One option, which always has a value. */
export interface Option<T> {
  /** What stands for the value in the help. */
  readonly placeholder: string;
  readonly help: string;
  /** The text that counts when the option is not given; empty for nothing at all. */
  readonly fallback: string;
  /** Reads a text; undefined when it is none of what {@link expected} says. */
  readonly read: (text: string) => T | undefined;
  /** Completes "should be". */
  readonly expected: string;
}

/** Options by name. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** What a table of options gives. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};

interface NumberRange {
  readonly help: string;
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
}

/** Any number of a range, ends included. */
export function numberOption({ help, fallback, least, most }: NumberRange): Option<number> {
  return {
    placeholder: 'N',
    help,
    fallback: String(fallback),
    expected: `a number from ${least} to ${most}`,
    read: (text) => inRange(text, least, most),
  };
}

/** A whole number of a range, ends included. */
export function wholeNumberOption({ help, fallback, least, most }: NumberRange): Option<number> {
  return {
    placeholder: 'N',
    help,
    fallback: String(fallback),
    expected: `a whole number from ${least} to ${most}`,
    read: (text) => whole(inRange(text, least, most)),
  };
}

/** Whole numbers of a range, with commas between. */
export function wholeNumbersOption(
  range: Omit<NumberRange, 'fallback'> & { readonly fallback: string },
): Option<readonly number[]> {
  const { help, fallback, least, most } = range;
  const expected = `whole numbers from ${least} to ${most} with commas between`;
  return {
    placeholder: 'N,...',
    help,
    fallback,
    expected,
    read: (text) => all(text, (word) => whole(inRange(word, least, most))),
  };
}

interface Choices<T> {
  readonly help: string;
  readonly fallback: string;
  readonly choices: readonly T[];
}

/** One of some words or numbers. */
export function choiceOption<const T extends string | number>({ help, fallback, choices }: Choices<T>): Option<T> {
  const expected = `one of ${choices.join(', ')}`;
  return { placeholder: 'X', help, fallback, expected, read: (text) => choices.find((choice) => String(choice) === text) };
}

/** Some of some words, with commas between. */
export function choicesOption<const T extends string>({ help, fallback, choices }: Choices<T>): Option<readonly T[]> {
  const expected = `one or more of ${choices.join(', ')} with commas between`;
  const read = (text: string) => all(text, (word) => choices.find((choice) => choice === word));
  return { placeholder: 'X,...', help, fallback, expected, read };
}

interface TextForm {
  readonly help: string;
  /** What a text must look like; the empty one, which it is unless given, too. */
  readonly pattern: RegExp;
  readonly expected: string;
}

/** A text of some form; an empty one unless given. */
export function textOption({ help, pattern, expected }: TextForm): Option<string> {
  return { placeholder: 'X', help, fallback: '', expected, read: (text) => (pattern.test(text) ? text : undefined) };
}

/** An existing directory, by its absolute path; an empty text unless given. */
export function directoryOption({ help }: { readonly help: string }): Option<string> {
  return { placeholder: 'DIR', help, fallback: '', expected: 'an absolute path', read: absolutePath };
}

/**
 * Reads the arguments of a scenario.
 * @throws {BenchFailure} that says what is wrong with them
 */
export function parseOptions<Table extends OptionTable>(table: Table, args: readonly string[]): OptionValues<Table> {
  const given = readTexts(table, args);
  const values = Object.entries(table).map(([name, option]) => {
    const text = given[name] ?? option.fallback;
    const value = option.read(text);
    if (value === undefined) throw new BenchFailure(`--${name} is "${text}", should be ${option.expected}`);
    return [name, value];
  });
  return Object.fromEntries(values) as OptionValues<Table>;
}

/** The options as the help shows them, a line or more each. */
export function describeOptions(table: OptionTable): string {
  const heads = Object.entries(table).map(([name, { placeholder }]) => `  --${name} ${placeholder}`);
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  const lines = Object.values(table).map(({ help, fallback }, index) => {
    const text = fallback === '' ? help : `${help} (${fallback})`;
    return (heads[index] ?? '').padEnd(width) + text.replaceAll('\n', `\n${' '.repeat(width)}`);
  });
  return lines.join('\n');
}

function readTexts(table: OptionTable, args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const options = Object.fromEntries(Object.keys(table).map((name) => [name, { type: 'string' } as const]));
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new BenchFailure(error instanceof Error ? error.message : String(error));
  }
}

function absolutePath(text: string): string | undefined {
  return text === '' || text.startsWith('/') ? text : undefined;
}

function inRange(text: string, least: number, most: number): number | undefined {
  const value = Number(text);
  return text.trim() !== '' && value >= least && value <= most ? value : undefined;
}

function whole(value: number | undefined): number | undefined {
  return Number.isInteger(value) ? value : undefined;
}

/** What each word between commas reads as; undefined when one of them reads as nothing. */
function all<T>(text: string, read: (word: string) => T | undefined): readonly T[] | undefined {
  const values = text.split(',').map((word) => read(word.trim()));
  return values.every((value) => value !== undefined) ? values : undefined;
}
