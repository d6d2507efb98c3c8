/** Sizes and periods as Barman writes them, and what would be lost in such words. */
import type { Exposure } from '../rpo.ts';

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `512 B`, `1.5 MiB`. */
export function sizeInWords(bytes: number): string {
  const power = Math.min(sizeUnits.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${sizeUnits[power]}`;
}

const periods = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/**
 * `1 day, 2 hours, 5 seconds`; `less than one second`.
 * @param most so many units, the greatest first; all unless given
 */
export function periodInWords(ms: number, most: number = periods.length): string {
  let seconds = Math.floor(ms / 1000);
  if (seconds < 1) return 'less than one second';
  const words: string[] = [];
  for (const [unit, length] of periods) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0) words.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  }
  return words.slice(0, most).join(', ');
}

/** `nothing`; `3.0 MiB, at most 5 seconds old`; `not known (why), at most 40 seconds old`. */
export function exposureInWords({ bytes, seconds, reason }: Exposure): string {
  if (bytes === 0) return 'nothing';
  const why = reason === undefined ? '' : ` (${reason})`;
  const size = bytes === undefined ? `not known${why}` : sizeInWords(bytes);
  if (seconds !== undefined) return `${size}, at most ${periodInWords(seconds * 1000)} old`;
  return bytes === undefined ? size : `${size}, of unknown age${why}`;
}
