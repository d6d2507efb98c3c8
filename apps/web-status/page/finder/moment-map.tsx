/** The map by time, with a slider over it to pick a moment, and the named restore points to pick one of them. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Coverage } from '../../src/schema/coverage.ts';
import type { RestorePointList } from '../../src/schema/find-target.ts';
import { CoverageBars } from '../archive/coverage-bars.tsx';
import { type CoverageMap, mapOf } from '../archive/coverage-model.ts';
import { formatTime, zoneName } from '../format/time.ts';
import { useStore } from '../live/store.ts';
import { zone } from '../routing/preferences.ts';
import type { Target } from './target.ts';

type Points = NonNullable<RestorePointList['restorePoints']>;

/** So many restore points are on the map, the latest; all are in the form. */
const mostFlags = 30;

interface MomentMapProperties {
  readonly coverage: Coverage;
  readonly points: Points;
  readonly target: Target | undefined;
  readonly onPick: (target: Target) => void;
}

/** The map; a sentence when the catalogue knows of no commit. */
export function MomentMap({ coverage, points, target, onPick }: MomentMapProperties): JSX.Element {
  const inZone = useStore(zone, (value) => value);
  const map = useMemo(() => mapOf(coverage, 'time'), [coverage]);
  if (map === undefined) return <p class="quiet">The catalogue knows of no commit, so there is no map of moments.</p>;
  const onMap = points.filter(({ time }) => Date.parse(time) >= map.from && Date.parse(time) <= map.to).slice(-mostFlags);
  return (
    <CoverageBars map={map} format={(at) => `${formatTime(at, inZone)} ${zoneName(at, inZone)}`}>
      <div class="map-row">
        <span class="map-label">Moment</span>
        <MomentSlider map={map} target={target} onPick={onPick} />
      </div>
      {onMap.length === 0 ? null : <Flags map={map} points={onMap} onPick={onPick} />}
    </CoverageBars>
  );
}

interface SliderProperties {
  readonly map: CoverageMap;
  readonly target: Target | undefined;
  readonly onPick: (target: Target) => void;
}

function MomentSlider({ map, target, onPick }: SliderProperties): JSX.Element {
  const inZone = useStore(zone, (value) => value);
  const wanted = target?.kind === 'time' ? Date.parse(target.value) : Number.NaN;
  const [dragged, setDragged] = useState<number | undefined>(undefined);
  const at = dragged ?? (Number.isNaN(wanted) ? map.to : Math.min(map.to, Math.max(map.from, wanted)));
  const pick = (value: number): void => {
    setDragged(undefined);
    onPick({ kind: 'time', value: new Date(value).toISOString(), timeline: '' });
  };
  return (
    <span class="slider">
      <input
        type="range"
        aria-label="Moment on the map"
        aria-valuetext={formatTime(at, inZone)}
        min={map.from}
        max={map.to}
        step={Math.max(1, Math.round((map.to - map.from) / 2000))}
        value={at}
        onInput={(event) => setDragged(event.currentTarget.valueAsNumber)}
        onChange={(event) => pick(event.currentTarget.valueAsNumber)}
      />
      <output>{formatTime(at, inZone)}</output>
    </span>
  );
}

interface FlagsProperties {
  readonly map: CoverageMap;
  readonly points: Points;
  readonly onPick: (target: Target) => void;
}

function Flags({ map, points, onPick }: FlagsProperties): JSX.Element {
  return (
    <div class="map-row">
      <span class="map-label">Restore points</span>
      <div class="flags">
        {points.map(({ name, time, lsn }) => (
          <button
            key={`${name} ${lsn}`}
            type="button"
            class="flag"
            title={`${name}, ${time}`}
            aria-label={`Restore point ${name}`}
            style={{ left: `${((Date.parse(time) - map.from) / (map.to - map.from)) * 100}%` }}
            onClick={() => onPick({ kind: 'name', value: name, timeline: '' })}
          />
        ))}
      </div>
    </div>
  );
}
