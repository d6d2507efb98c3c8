/** Periods for people. */

/** `0 s`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.05) return '0 s';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, 'min', 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return pair(minutes, 60, 'h', 'min');
  return pair(Math.round(whole / 3600), 24, 'd', 'h');
}

/** `0.42 ms`, `12 ms`, `1.3 s`. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds >= 1000) return formatSeconds(milliseconds / 1000);
  if (milliseconds === 0) return '0 ms';
  return `${milliseconds >= 9.95 ? milliseconds.toFixed(0) : milliseconds.toPrecision(2)} ms`;
}

function pair(value: number, base: number, great: string, small: string): string {
  const rest = value % base;
  return rest === 0 ? `${Math.floor(value / base)} ${great}` : `${Math.floor(value / base)} ${great} ${rest} ${small}`;
}
