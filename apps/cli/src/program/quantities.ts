/** Quantities on the command line. */
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

/** Reads a whole number of at least one. @throws {InvalidArgumentError} */
export function readCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count > 0) return count;
  throw new InvalidArgumentError('Give a whole number of at least 1.');
}
