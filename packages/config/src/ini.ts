/**
 * Reads the INI dialect of Barman's configuration files, which is that of Python's ConfigParser, and keeps the line
 * of every value.
 *
 * `option = value` or `option: value`; a line that is indented deeper than the option goes on with its value, blank
 * lines included; `#` and `;` start a comment only at the start of a line, since a password may hold them. Option
 * names are lower-cased. Unlike ConfigParser, a line that means nothing is a problem with its number, and no problem
 * ever repeats the text of a line, which may be part of a connection string.
 */

/** A value as it was written: continuation lines joined by line feeds, nothing unquoted or interpolated. */
export interface IniValue {
  readonly text: string;
  /** Line of the option's name, from 1. */
  readonly line: number;
}

/** A section, or one of several parts of it where its header stands more than once. */
export interface IniSection {
  readonly name: string;
  /** Line of the header. */
  readonly line: number;
  /** Values by lower-case option name; of an option written twice the last. */
  readonly options: ReadonlyMap<string, IniValue>;
}

/** A remark on a line. */
export interface IniRemark {
  readonly line: number;
  readonly section: string | undefined;
  readonly option: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What a file holds. With problems in it, the sections hold what could be read. */
export interface IniFile {
  readonly sections: readonly IniSection[];
  readonly problems: readonly IniRemark[];
  readonly warnings: readonly IniRemark[];
}

/** How {@link parseIni} is to look at the text. */
export interface IniOptions {
  /** Tells the names of options, to warn where one stands on a line that goes on with a value and so has no effect. */
  readonly isOption?: ((name: string) => boolean) | undefined;
}

/** Reads the text of a file. */
export function parseIni(text: string, options: IniOptions = {}): IniFile {
  const reader = new IniReader(options.isOption ?? (() => false));
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries())
    reader.read(line, index + 1);
  return reader.end();
}

interface OpenSection extends IniSection {
  readonly options: Map<string, IniValue>;
}

interface OpenValue {
  readonly option: string;
  readonly line: number;
  readonly indent: number;
  readonly lines: string[];
}

class IniReader {
  readonly #isOption: (name: string) => boolean;
  readonly #sections: OpenSection[] = [];
  readonly #problems: IniRemark[] = [];
  readonly #warnings: IniRemark[] = [];
  #value: OpenValue | undefined;

  constructor(isOption: (name: string) => boolean) {
    this.#isOption = isOption;
  }

  read(line: string, number: number): void {
    const content = line.trim();
    if (content.startsWith('#') || content.startsWith(';')) return;
    const indent = line.length - line.trimStart().length;
    if (content === '') this.#value?.lines.push('');
    else if (this.#value !== undefined && indent > this.#value.indent) this.#goOn(this.#value, content, number);
    else if (content.startsWith('[')) this.#header(content, number);
    else this.#option(content, number, indent);
  }

  end(): IniFile {
    this.#store();
    return { sections: this.#sections, problems: this.#problems, warnings: this.#warnings };
  }

  #goOn(value: OpenValue, content: string, number: number): void {
    value.lines.push(content);
    const name = optionName(content)?.name;
    if (name === undefined || !this.#isOption(name)) return;
    this.#warnings.push({
      ...this.#remark(number, `this line goes on with the value of "${value.option}", since it is indented deeper`, value.option),
      hint: `Take the blanks at the start of the line away if "${name}" is meant as an option.`,
    });
  }

  #header(content: string, number: number): void {
    this.#store();
    const name = /^\[([^[\]]+)\]$/.exec(content)?.[1];
    if (name === undefined) this.#problems.push(this.#remark(number, 'a section header must be "[name]", alone on its line'));
    // Also after a bad header, so that its options are not taken for those of the section before.
    this.#sections.push({ name: name ?? '', line: number, options: new Map() });
  }

  #option(content: string, number: number, indent: number): void {
    this.#store();
    const option = optionName(content);
    // What follows indented belongs to this line, whatever is wrong with it.
    this.#value = { option: option?.name ?? '', line: number, indent, lines: [option?.value ?? ''] };
    if (option === undefined) {
      this.#problems.push({
        ...this.#remark(number, 'the line is no section header and no "option = value"'),
        hint: 'Lines that go on with a value must be indented; comments start with # or ;.',
      });
    } else if (this.#sections.length === 0) {
      this.#problems.push(this.#remark(number, 'an option stands before the first section header', option.name));
    }
  }

  /** The value that was open is complete. */
  #store(): void {
    const value = this.#value;
    this.#value = undefined;
    const section = this.#sections.at(-1);
    if (value === undefined || value.option === '' || section === undefined) return;
    const before = section.options.get(value.option);
    if (before !== undefined) {
      this.#warnings.push(this.#remark(before.line, `is set again in line ${value.line}, which wins`, value.option));
    }
    section.options.set(value.option, { text: value.lines.join('\n').trim(), line: value.line });
  }

  #remark(line: number, message: string, option?: string): IniRemark {
    return { line, section: this.#sections.at(-1)?.name, option, message, hint: undefined };
  }
}

/** Name and value of an `option = value` line; undefined where there is no separator, or no name that could be one. */
function optionName(content: string): { readonly name: string; readonly value: string } | undefined {
  const match = /^([\w.-]+)\s*[=:]\s*(.*)$/s.exec(content);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { name: match[1].toLowerCase(), value: match[2] };
}
