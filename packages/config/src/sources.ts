/**
 * The files of a configuration read into one set of sections, in which what is read later wins. Every value keeps
 * the file and line it came from.
 */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './errors.ts';
import { type IniRemark, type IniSection, parseIni } from './ini.ts';
import { allOptions } from './option-names.ts';
import type { Problems } from './problems.ts';

/** A value as written, and where. */
export interface SourceValue {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  /** Section in which it stands. */
  readonly section: string;
}

/** A section, put together from all files that have it. `file` and `line` are those of its first header. */
export interface SourceSection {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly options: ReadonlyMap<string, SourceValue>;
}

/** Name of the section of the global options. */
export const globalSection = 'barman';
/** Name of the section whose values every section has (ConfigParser's default section). */
export const defaultSection = 'DEFAULT';

/** The sections of all files read so far. */
export class Sources {
  readonly #problems: Problems;
  readonly #sections = new Map<string, SourceSection & { readonly options: Map<string, SourceValue> }>();

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** The sections by name, in the order in which they were first seen. */
  get sections(): ReadonlyMap<string, SourceSection> {
    return this.#sections;
  }

  /**
   * Reads the main file.
   * @throws {ConfigError} `ERR_CONFIG_UNREADABLE`
   */
  async readMain(file: string): Promise<void> {
    for (const section of this.#parse(file, await readText(file))) this.#merge(file, section);
  }

  /** Reads the `*.conf` files of a directory in the order of their names; hidden ones are left out. */
  async readDirectory(directory: SourceValue, path: string): Promise<void> {
    const { file, line, section } = directory;
    const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
      const message =
        error.code === 'ENOTDIR' ? `"${path}" is not a directory` : `cannot read directory "${path}": ${error.code}`;
      this.#problems.error({ file, line, section, option: 'configuration_files_directory', message });
      return [];
    });
    const wanted = names.filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
    for (const name of wanted.toSorted()) await this.readIncluded(join(path, name));
  }

  /** Reads `file` if it is there. */
  async readIfThere(file: string): Promise<void> {
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : error));
    // Any other error is met again, and reported, when the file is read.
    if (found !== undefined) await this.readIncluded(file);
  }

  /** Reads a file beside the main one; the global options are not to be set there. */
  async readIncluded(file: string): Promise<void> {
    const text = await readText(file).catch((error: ConfigError) => {
      this.#problems.error({ file, message: error.message, hint: error.hint });
      return '';
    });
    for (const section of this.#parse(file, text)) {
      const [first] = section.options.values();
      if (section.name !== globalSection) this.#merge(file, section);
      else if (first !== undefined) {
        this.#problems.error({
          file,
          line: first.line,
          section: globalSection,
          message: 'global options cannot be set in an included file',
          hint: 'Move the options of the [barman] section to the main configuration file.',
        });
      }
    }
  }

  #parse(file: string, text: string): readonly IniSection[] {
    this.#problems.reading(file);
    const parsed = parseIni(text, { isOption: (name) => allOptions.has(name) });
    for (const remark of parsed.problems) this.#problems.error(at(file, remark));
    for (const remark of parsed.warnings) this.#problems.warning(at(file, remark));
    return parsed.sections.filter(({ name }) => name !== '');
  }

  #merge(file: string, part: IniSection): void {
    const section = this.#sections.get(part.name) ?? { name: part.name, file, line: part.line, options: new Map() };
    this.#sections.set(part.name, section);
    for (const [name, value] of part.options) section.options.set(name, { ...value, file, section: part.name });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : code;
    throw new ConfigError('ERR_CONFIG_UNREADABLE', `cannot read configuration file "${file}": ${reason}`, {
      cause: error,
      hint: 'Check that the user who runs this may read the file, and that it is UTF-8 text.',
    });
  }
}

function at(file: string, remark: IniRemark): IniRemark & { readonly file: string } {
  return { ...remark, file };
}
