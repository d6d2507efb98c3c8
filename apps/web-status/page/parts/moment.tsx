/** Moments in the chosen zone. */
import type { JSX } from 'preact';
import { formatSeconds } from '../format/duration.ts';
import { formatTime, zoneName } from '../format/time.ts';
import { useClockText } from '../live/clock.ts';
import { useStore } from '../live/store.ts';
import { zone } from '../routing/preferences.ts';

/** `12 s ago`, with the moment itself for whoever points at it; `never` when there is none. */
export function Ago({ time, never = 'never' }: { readonly time: string | null; readonly never?: string }): JSX.Element {
  const inZone = useStore(zone, (value) => value);
  const text = useClockText((now) => (time === null ? never : ago((now - Date.parse(time)) / 1000)));
  if (time === null) return <span class="quiet">{text}</span>;
  return (
    <time dateTime={time} title={`${formatTime(time, inZone)} ${zoneName(time, inZone)}`}>
      {text}
    </time>
  );
}

/** `2026-07-01 10:00:00`. */
export function Moment({ time, none = 'unknown' }: { readonly time: string | null; readonly none?: string }): JSX.Element {
  const inZone = useStore(zone, (value) => value);
  if (time === null) return <span class="quiet">{none}</span>;
  return (
    <time dateTime={time} title={zoneName(time, inZone)}>
      {formatTime(time, inZone)}
    </time>
  );
}

function ago(seconds: number): string {
  if (seconds < 1.5) return 'just now';
  return `${formatSeconds(seconds < 10 ? Math.round(seconds) + 0.0001 : seconds).replace('.0 s', ' s')} ago`;
}
