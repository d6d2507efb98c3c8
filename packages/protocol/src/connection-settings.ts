/**
 * The values of connection parameters before they are understood, each with where it came from, gathered in libpq's order:
 * overrides of the program, the connection string, the service, the environment (fe-connect.c, conninfo_add_defaults).
 *
 * An empty value is a value: it keeps later sources out, and stands for the default wherever libpq takes it so.
 */
import { ConninfoError } from './conninfo-error.ts';
import { type ConninfoKeyword, conninfoKeywords, environmentVariableOf, isSecretKeyword } from './conninfo-keywords.ts';
import { parseConninfo } from './conninfo.ts';
import { readService } from './service-file.ts';

/** Variables of a process, as `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Parameters that the program sets itself. */
export type ConninfoOverrides = Readonly<Partial<Record<ConninfoKeyword, string>>>;

/** Where values are gathered from. */
export interface SettingsSources {
  readonly conninfo: string;
  readonly overrides: ConninfoOverrides;
  readonly environment: Environment;
  readonly homeDirectory: string;
}

interface Setting {
  readonly value: string;
  /** Where the value stands, for errors. */
  readonly origin: string;
}

/** The gathered values, and how to read one as a choice or a number. */
export class ConnectionSettings {
  readonly #settings: ReadonlyMap<ConninfoKeyword, Setting>;

  constructor(settings: ReadonlyMap<ConninfoKeyword, Setting>) {
    this.#settings = settings;
  }

  /** The value as it was given, or undefined when it was not given anywhere. */
  get(keyword: ConninfoKeyword): string | undefined {
    return this.#settings.get(keyword)?.value;
  }

  /** The value, or undefined when it was not given or is empty. */
  text(keyword: ConninfoKeyword): string | undefined {
    return this.get(keyword) || undefined;
  }

  /** One of the allowed values; `fallback` when none was given. */
  choice<T extends string>(keyword: ConninfoKeyword, allowed: readonly T[], fallback: T): T {
    const value = this.get(keyword);
    if (value === undefined) return fallback;
    return allowed.find((candidate) => candidate === value) ?? this.refuse(keyword, `Allowed values are ${list(allowed)}.`);
  }

  /** A whole number as C's `int` holds it; undefined when none was given. */
  integer(keyword: ConninfoKeyword): number | undefined {
    const value = this.get(keyword);
    if (value === undefined) return undefined;
    const number = /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : Number.NaN;
    if (number >= -(2 ** 31) && number < 2 ** 31) return number;
    return this.refuse(keyword, `${keyword} takes a whole number from -2147483648 to 2147483647.`);
  }

  /** @throws {ConninfoError} `ERR_INVALID_CONNINFO`: the value of the parameter is not allowed. */
  refuse(keyword: ConninfoKeyword, hint: string): never {
    const shown = isSecretKeyword(keyword) ? '' : ` "${this.get(keyword) ?? ''}"`;
    throw new ConninfoError('ERR_INVALID_CONNINFO', `invalid value${shown} for connection parameter ${this.where(keyword)}`, {
      hint,
    });
  }

  /** @throws {ConninfoError} `ERR_UNSUPPORTED_CONNINFO`: the value is right, but walvault cannot do it. */
  refuseUnsupported(keyword: ConninfoKeyword, hint: string, value?: string): never {
    const what = value === undefined ? keyword : `${keyword}=${value}`;
    const message = `connection parameter ${what} is not supported${this.#from(keyword)}`;
    throw new ConninfoError('ERR_UNSUPPORTED_CONNINFO', message, { hint });
  }

  /** Name of a parameter, and where it was given if that is not the connection string. */
  where(keyword: ConninfoKeyword): string {
    return `${keyword}${this.#from(keyword)}`;
  }

  #from(keyword: ConninfoKeyword): string {
    const origin = this.#settings.get(keyword)?.origin ?? '';
    return origin === '' ? '' : ` (given by ${origin})`;
  }
}

/**
 * Gathers the values from all sources.
 * @throws {ConninfoError} when the connection string or the service file cannot be read.
 */
export async function gatherSettings(sources: SettingsSources): Promise<ConnectionSettings> {
  const { environment, homeDirectory } = sources;
  const settings = new Map<ConninfoKeyword, Setting>();
  const add = (keyword: ConninfoKeyword, value: string | undefined, origin: string): void => {
    if (value !== undefined && !settings.has(keyword)) settings.set(keyword, { value, origin });
  };
  for (const keyword of conninfoKeywords) add(keyword, sources.overrides[keyword], '');
  for (const [keyword, value] of parseConninfo(sources.conninfo)) add(keyword, value, '');
  const service = settings.get('service')?.value ?? environment['PGSERVICE'];
  if (service !== undefined && service !== '') {
    const file = settings.get('servicefile')?.value || environment['PGSERVICEFILE'];
    const systemDirectory = environment['PGSYSCONFDIR'];
    const values = await readService({ service, file, homeDirectory, systemDirectory });
    for (const [keyword, value] of values) add(keyword, value, `service "${service}"`);
  }
  for (const keyword of conninfoKeywords) {
    const variable = environmentVariableOf(keyword);
    if (variable !== undefined) add(keyword, environment[variable], variable);
  }
  if (environment['PGREQUIRESSL']?.startsWith('1') === true) add('sslmode', 'require', 'PGREQUIRESSL');
  return new ConnectionSettings(settings);
}

function list(values: readonly string[]): string {
  return values.map((value) => (value === '' ? 'nothing' : value)).join(', ');
}
