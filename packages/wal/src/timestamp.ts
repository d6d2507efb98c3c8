/**
 * Points in time as PostgreSQL has them: microseconds since 1970, UTC. JavaScript's milliseconds would merge commits that
 * recovery tells apart.
 *
 * Read is ISO 8601 as PostgreSQL writes it (`2026-07-01 12:00:00.123456+02`), the forms around it that people type, and
 * Python's `isoformat`.
 */

/** A text read as a time. */
export interface ReadTimestamp {
  /** Microseconds since 1970, UTC. */
  readonly time: bigint;
  /** Whether the text said which zone it is in. If not, it was read in the zone of this process (TZ). */
  readonly hasZone: boolean;
}

const pattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2}){0,2})?)?$/i;

/** Reads a time; undefined when the text is none, such as a 31st of June. A day without a time is its midnight. */
export function tryParseTimestamp(text: string): ReadTimestamp | undefined {
  const match = pattern.exec(text.trim());
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as Six;
  const fraction = BigInt((match[7] ?? '').padEnd(6, '0'));
  const zone = match[8];
  // 60 is a leap second to PostgreSQL: the next minute.
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60 || !isDay(year, month, day)) return undefined;
  const offset = zone === undefined ? 0 : offsetOf(zone);
  if (offset === undefined) return undefined;
  const milliseconds =
    zone === undefined
      ? new Date(year, month - 1, day, hour, minute, second).getTime()
      : Date.UTC(year, month - 1, day, hour, minute, second) - offset * 1000;
  return { time: BigInt(milliseconds) * 1000n + fraction, hasZone: zone !== undefined };
}

type Six = [number, number, number, number, number, number];

/** Writes a time as PostgreSQL does with `timezone = UTC`: `2026-07-01 10:00:00.123456+00`, and reads it back as the same. */
export function formatTimestamp(time: bigint): string {
  const seconds = time >= 0n ? time / 1_000_000n : (time - 999_999n) / 1_000_000n;
  const fraction = time - seconds * 1_000_000n;
  const iso = new Date(Number(seconds) * 1000).toISOString();
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${digits}+00`;
}

function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** Seconds east of UTC. */
function offsetOf(zone: string): number | undefined {
  if (/^[a-z]/i.test(zone)) return 0;
  const digits = zone.slice(1).replaceAll(':', '').padEnd(6, '0');
  const [hours, minutes, seconds] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2))) as [number, number, number];
  // MAX_TZDISP_HOUR (datatype/timestamp.h)
  if (hours > 15 || minutes > 59 || seconds > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
}
