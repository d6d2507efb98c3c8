/** Moments for people, in UTC or in the zone of the browser. */

/** In which zone times are shown. */
export type Zone = 'utc' | 'local';

/** `2026-07-01 10:00:00`. */
export function formatTime(time: string | number, zone: Zone): string {
  return `${formatDay(time, zone)} ${formatClock(time, zone)}`;
}

/** `2026-07-01`. */
export function formatDay(time: string | number, zone: Zone): string {
  return shifted(time, zone).toISOString().slice(0, 10);
}

/** `10:00:00`. */
export function formatClock(time: string | number, zone: Zone): string {
  return shifted(time, zone).toISOString().slice(11, 19);
}

/** `UTC` or `UTC+02:00`, as it is at that moment. */
export function zoneName(time: string | number, zone: Zone): string {
  const ahead = minutesAhead(new Date(time), zone);
  if (ahead === 0) return 'UTC';
  return `UTC${ahead < 0 ? '-' : '+'}${twoDigits(Math.floor(Math.abs(ahead) / 60))}:${twoDigits(Math.abs(ahead) % 60)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** What an input of type `datetime-local` takes: `2026-07-01T10:00:00`. */
export function toInput(time: string | number, zone: Zone): string {
  return shifted(time, zone).toISOString().slice(0, 19);
}

/** ISO 8601 in UTC of what was put in; undefined when it is no moment. */
export function fromInput(text: string, zone: Zone): string | undefined {
  const date = new Date(zone === 'utc' ? `${text}Z` : text);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A date whose UTC fields are those of the zone. */
function shifted(time: string | number, zone: Zone): Date {
  const date = new Date(time);
  return new Date(date.getTime() + minutesAhead(date, zone) * 60_000);
}

function minutesAhead(date: Date, zone: Zone): number {
  return zone === 'utc' ? 0 : -date.getTimezoneOffset();
}
