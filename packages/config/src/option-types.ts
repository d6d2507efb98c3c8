/** The kinds of values that options have: how each is written, and what it becomes. */

/** A kind of value. */
export interface OptionType<T> {
  /** Name in the documentation. */
  readonly name: string;
  /** What may be written, for messages: `true, t, yes, ...`. */
  readonly allowed: string;
  /** The value of a text that is neither empty nor `None`; undefined when it is not allowed. */
  readonly parse: (text: string) => T | undefined;
  /** The text may hold a password, so it is never shown. */
  readonly secret?: true | undefined;
}

const wordsForTrue = ['true', 't', 'yes', '1', 'on'];
const wordsForFalse = ['false', 'f', 'no', '0', 'off'];

/** Barman's spellings of yes and no, in any case. */
export const booleanType: OptionType<boolean> = {
  name: 'boolean',
  allowed: [...wordsForTrue, ...wordsForFalse].join(', '),
  parse: (text) => {
    const word = text.toLowerCase();
    if (wordsForTrue.includes(word)) return true;
    return wordsForFalse.includes(word) ? false : undefined;
  },
};

/** Any text. */
export const textType: OptionType<string> = { name: 'text', allowed: 'any text', parse: (text) => text };

/** A command for the shell. */
export const commandType: OptionType<string> = { name: 'shell command', allowed: 'any text', parse: (text) => text };

/** A libpq connection string, `key=value ...` or a URI. It is taken apart by those who connect with it. */
export const conninfoType: OptionType<string> = {
  name: 'connection string',
  allowed: 'host=... user=... dbname=..., or postgresql://...',
  parse: (text) => text,
  secret: true,
};

/** Connection strings, one a line; empty lines do not count. */
export const conninfoListType: OptionType<readonly string[]> = {
  name: 'connection strings',
  allowed: 'host=... user=..., or postgresql://..., one a line, the further lines indented',
  parse: (text) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  secret: true,
};

/** An absolute path; slashes at its end do not count. */
export const pathType: OptionType<string> = {
  name: 'path',
  allowed: 'an absolute path, starting with "/"',
  parse: (text) => {
    if (!text.startsWith('/') || text.includes('\0') || text.includes('\n')) return undefined;
    return text.replace(/(?<=.)\/+$/, '');
  },
};

/** A period, in milliseconds: `N HOURS`, `N DAYS`, `N WEEKS` or `N MONTHS` of 31 days. */
export const intervalType: OptionType<number> = {
  name: 'interval',
  allowed: 'N HOURS, N DAYS, N WEEKS or N MONTHS',
  parse: (text) => {
    const match = /^(\d{1,6})\s+(hour|day|week|month)s?$/i.exec(text);
    return match === null ? undefined : Number(match[1]) * (hoursOf[match[2]?.toLowerCase() ?? ''] ?? 0) * 3_600_000;
  },
};
const hoursOf: Readonly<Record<string, number>> = { hour: 1, day: 24, week: 7 * 24, month: 31 * 24 };

/** Name of a replication slot, lower-cased as Barman does; the server allows 63 bytes (NAMEDATALEN - 1). */
export const slotNameType: OptionType<string> = {
  name: 'slot name',
  allowed: 'lower-case letters, digits and underscores, up to 63',
  parse: (text) => (/^[a-z0-9_]{1,63}$/i.test(text) ? text.toLowerCase() : undefined),
};

/** How hard to compress: a number of the algorithm's own scale, or a word for a place on it. */
export type CompressionLevel = number | 'low' | 'medium' | 'high';

/** A compression level; whether a number fits the algorithm is looked at when both are known. */
export const compressionLevelType: OptionType<CompressionLevel> = {
  name: 'compression level',
  allowed: 'low, medium, high, or a number that the compression knows',
  parse: (text) => (/^-?\d{1,3}$/.test(text) ? Number(text) : oneOf('low', 'medium', 'high').parse(text)),
};

/** A time back from now. A month has 31 days, as in Barman. */
export interface RecoveryWindow {
  readonly kind: 'recoveryWindow';
  readonly count: number;
  readonly unit: 'day' | 'week' | 'month';
}

/** Which base backups are kept, and with them the WAL that they need. */
export type RetentionPolicy = { readonly kind: 'redundancy'; readonly backups: number } | RecoveryWindow;

/** Which WAL is kept: `main` what the base backups need, or all of a window beside that. */
export type WalRetentionPolicy = { readonly kind: 'main' } | RecoveryWindow;

/** A retention policy in Barman's words. */
export const retentionPolicyType: OptionType<RetentionPolicy> = {
  name: 'retention policy',
  allowed: 'REDUNDANCY n, or RECOVERY WINDOW OF n DAYS, WEEKS or MONTHS',
  parse: (text) => {
    const redundancy = /^redundancy\s+(\d{1,6})$/i.exec(text);
    if (redundancy !== null) return { kind: 'redundancy', backups: Number(redundancy[1]) };
    return parseWindow(text);
  },
};

/** A policy for WAL in Barman's words, of which Barman itself knows `main` alone. A window of nothing is none. */
export const walRetentionPolicyType: OptionType<WalRetentionPolicy> = {
  name: 'WAL retention policy',
  allowed: 'main, or RECOVERY WINDOW OF n DAYS, WEEKS or MONTHS with n of 1 or more',
  parse: (text) => {
    if (text.toLowerCase() === 'main') return { kind: 'main' };
    const window = parseWindow(text);
    return window === undefined || window.count === 0 ? undefined : window;
  },
};

function parseWindow(text: string): RecoveryWindow | undefined {
  const match = /^recovery\s+window\s+of\s+(\d{1,6})\s+(day|week|month)s?$/i.exec(text);
  if (match === null) return undefined;
  return { kind: 'recoveryWindow', count: Number(match[1]), unit: match[2]?.toLowerCase() as 'day' };
}

/** Hexadecimal bytes, `0x1f8b08`. */
export const hexType: OptionType<string> = {
  name: 'bytes',
  allowed: '0x and an even number of hexadecimal digits',
  parse: (text) => (/^0x([0-9a-f]{2}){1,32}$/i.test(text) ? text.toLowerCase() : undefined),
};

/** A whole number from `least` to `greatest`. */
export function wholeNumber(least: number, greatest: number = Number.MAX_SAFE_INTEGER): OptionType<number> {
  const upTo = greatest === Number.MAX_SAFE_INTEGER ? 'or more' : `to ${greatest}`;
  return {
    name: 'whole number',
    allowed: `a whole number, ${least} ${upTo}`,
    parse: (text) => {
      const value = Number(text);
      return /^\d{1,15}$/.test(text) && value >= least && value <= greatest ? value : undefined;
    },
  };
}

const unitBytes: Readonly<Record<string, number>> = { '': 1, B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

/**
 * An amount of data in bytes, with PostgreSQL's units, of 1024 each and in its spelling: `512MB`, `10 GB`. Only nothing needs no unit.
 * @param least the smallest amount, as it is written
 */
export function size(least: string): OptionType<number> {
  const leastBytes = bytesOf(least) ?? 0;
  return {
    name: 'size',
    allowed: `a whole number with B, kB, MB, GB or TB behind it, ${least} or more`,
    parse: (text) => {
      const bytes = bytesOf(text);
      return bytes !== undefined && bytes >= leastBytes ? bytes : undefined;
    },
  };
}

function bytesOf(text: string): number | undefined {
  const match = /^(?:(\d{1,10}) ?(B|kB|MB|GB|TB)|(0))$/.exec(text);
  const bytes = Number(match?.[1] ?? match?.[3]) * (unitBytes[match?.[2] ?? ''] ?? 1);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A whole number of seconds from `least` to `greatest`, given in milliseconds. */
export function seconds(least: number, greatest: number): OptionType<number> {
  const number = wholeNumber(least, greatest);
  return {
    name: 'seconds',
    allowed: `${number.allowed}, of seconds`,
    parse: (text) => {
      const value = number.parse(text);
      return value === undefined ? undefined : value * 1000;
    },
  };
}

/** One of some words, written in any case and given as listed. */
export function oneOf<const Words extends readonly string[]>(...words: Words): OptionType<Words[number]> {
  return {
    name: words.length === 1 ? 'word' : 'one of',
    allowed: words.join(', '),
    parse: (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()),
  };
}
