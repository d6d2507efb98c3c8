/** The last stretch of the WAL as a tape of segments, filled up to where each station stands. */
import type { JSX } from 'preact';
import { formatBytes } from '../format/bytes.ts';
import { lsnToNumber } from '../format/lsn.ts';
import type { Station } from './way-of-data.tsx';

const fewestSegments = 8;
const mostMarks = 32;

/** From the position of the archive to that of the server, at segment boundaries; at least some segments. */
export function stretch(places: readonly number[], segmentSize: number): { readonly from: number; readonly to: number } {
  const to = (Math.floor(Math.max(...places) / segmentSize) + 1) * segmentSize;
  const from = Math.floor(Math.min(...places) / segmentSize) * segmentSize;
  return { from: Math.max(0, Math.min(from, to - fewestSegments * segmentSize)), to };
}

/** The tape; nothing while no place is known. */
export function Tape({
  stations,
  segmentSize,
}: {
  readonly stations: readonly Station[];
  readonly segmentSize: number;
}): JSX.Element | null {
  const places = stations.flatMap(({ key, title, lsn }) => (lsn === null ? [] : [{ key, title, lsn, at: lsnToNumber(lsn) }]));
  if (places.length === 0) return null;
  const { from, to } = stretch(
    places.map(({ at }) => at),
    segmentSize,
  );
  const percent = (at: number): string => `${(((at - from) / (to - from)) * 100).toFixed(3)}%`;
  const segments = (to - from) / segmentSize;
  const perMark = Math.ceil(segments / mostMarks);
  const marks = Array.from(
    { length: Math.ceil(segments / perMark) - 1 },
    (_, index) => from + (index + 1) * perMark * segmentSize,
  );
  const says = places.map(({ title, lsn }) => `${title}: ${lsn}`).join('; ');
  return (
    <figure class="tape">
      <div class="tape-bar" role="img" aria-label={`The last ${segments} segments. ${says}.`}>
        {places.map(({ key, at }) => (
          <span key={key} class={`tape-fill tape-${key}`} style={{ width: percent(at) }} />
        ))}
        {marks.map((at) => (
          <span key={at} class="tape-mark" style={{ left: percent(at) }} />
        ))}
      </div>
      <figcaption class="second">
        The last {segments} segments; each mark is {perMark === 1 ? 'one' : perMark} of {formatBytes(perMark * segmentSize)}
        {perMark === 1 ? '' : ' together'}.
      </figcaption>
    </figure>
  );
}
