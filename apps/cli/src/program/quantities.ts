/** Quantities on the command line. */
import type { ServerConfig } from '@walvault/core/configuration';
import { type TimelineId, toTimelineId } from '@walvault/wal';
import { InvalidArgumentError } from 'commander';

const units: Readonly<Record<string, number>> = { '': 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Reads bytes, with PostgreSQL's units: `0`, `67108864`, `256MB`. @throws {InvalidArgumentError} */
export function readBytes(text: string): number {
  const match = /^(\d{1,13})\s?(kB|MB|GB|)$/.exec(text);
  const bytes = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? 1);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError('Give a number of bytes, or one with kB, MB or GB behind it.');
}

/** Reads whole seconds, at most a day. @throws {InvalidArgumentError} */
export function readSeconds(text: string): number {
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('Give whole seconds, from 0 to 86400.');
}

/** Reads a position in a file, in bytes. @throws {InvalidArgumentError} */
export function readPosition(text: string): number {
  const position = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new InvalidArgumentError('Give a position in bytes: a whole number, 0 or more.');
}

/** Reads a whole number of at least one. @throws {InvalidArgumentError} */
export function readCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count > 0) return count;
  throw new InvalidArgumentError('Give a whole number of at least 1.');
}

/** Reads a timeline ID: `3`, or as in the names of files, `00000003`. @throws {InvalidArgumentError} */
export function readTimelineId(text: string): TimelineId {
  const id = /^[0-9A-F]{8}$/.test(text) ? Number.parseInt(text, 16) : /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (id >= 1 && id <= 0xffff_ffff) return toTimelineId(id);
  throw new InvalidArgumentError('Give the ID of a timeline: a number from 1 to 4294967295, or the 8 digits of file names.');
}

/** Levels of the log, in Barman's words. */
export const logLevels: readonly ServerConfig['logLevel'][] = ['NOTSET', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

/** Reads one, upper or lower case. @throws {InvalidArgumentError} */
export function readLogLevel(text: string): ServerConfig['logLevel'] {
  const level = logLevels.find((name) => name === text.toUpperCase());
  if (level !== undefined) return level;
  throw new InvalidArgumentError(`Give one of ${logLevels.join(', ')}.`);
}
