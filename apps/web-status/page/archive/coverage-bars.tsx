/** The map of what the archive covers: a bar for each timeline, with its holes and damaged segments. */
import type { ComponentChildren, JSX } from 'preact';
import { counted } from '../format/bytes.ts';
import type { CoverageMap, MapRow } from './coverage-model.ts';

interface BarsProperties {
  readonly map: CoverageMap;
  /** What stands at the ends of the axis. */
  readonly format: (value: number) => string;
  /** What is laid over the bars. */
  readonly children?: ComponentChildren;
}

/** The map. */
export function CoverageBars({ map, format, children }: BarsProperties): JSX.Element {
  const width = map.to - map.from;
  const percent = (at: number): string => `${(((at - map.from) / width) * 100).toFixed(4)}%`;
  return (
    <div class="map">
      {map.rows.map((row) => (
        <div key={row.timelineId} class="map-row">
          <span class="map-label">Timeline {row.timelineId}</span>
          <div class="map-bar" role="img" aria-label={summaryOf(row)}>
            {row.pieces.map(({ kind, from, to, text }) => (
              <span
                key={`${kind}${from}`}
                class={`piece piece-${kind}`}
                title={text}
                style={{ left: percent(from), width: percent(map.from + Math.max(to - from, 0)) }}
              />
            ))}
            {row.spots.map(({ at, text }) => (
              <span key={text} class="spot" title={text} style={{ left: percent(at) }} />
            ))}
          </div>
        </div>
      ))}
      {children}
      <div class="map-axis second" aria-hidden="true">
        <span>{format(map.from)}</span>
        <span>{format(map.to)}</span>
      </div>
    </div>
  );
}

function summaryOf({ timelineId, pieces, spots }: MapRow): string {
  const holes = pieces.filter(({ kind }) => kind === 'missing').length;
  return `Timeline ${timelineId}: ${counted(holes, 'hole')}, ${counted(spots.length, 'damaged segment')}`;
}
