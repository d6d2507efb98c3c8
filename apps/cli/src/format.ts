/** Sizes, ages and durations for people. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** `-1.5 MiB`: a distance that may be either way. */
export function formatSignedBytes(bytes: number): string {
  return bytes < 0 ? `-${formatBytes(-bytes)}` : formatBytes(bytes);
}

/** `12 s ago`, for a time as ISO 8601. */
export function formatAge(iso: string, nowMs: number = Date.now()): string {
  return `${formatDuration((nowMs - Date.parse(iso)) / 1000)} ago`;
}

/** `12 s`, `5 min`, `3 h`, `4 days`: the largest unit of which there are two or more. */
export function formatDuration(duration: number): string {
  const seconds = Math.max(0, Math.round(duration));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
