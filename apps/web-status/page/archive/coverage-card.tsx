/** What the archive covers, on a map and in words. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Coverage } from '../../src/schema/coverage.ts';
import type { Resource } from '../api/use-resource.ts';
import { counted, formatBytes } from '../format/bytes.ts';
import { lsnFromNumber } from '../format/lsn.ts';
import { formatTime } from '../format/time.ts';
import { useStore } from '../live/store.ts';
import { Ago } from '../parts/moment.tsx';
import { Refused } from '../parts/refused.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { zone } from '../routing/preferences.ts';
import { CoverageBars } from './coverage-bars.tsx';
import { type Axis, mapOf } from './coverage-model.ts';

/** The card. */
export function CoverageCard({ coverage }: { readonly coverage: Resource<Coverage> }): JSX.Element {
  const { value } = coverage;
  return (
    <section class="card" aria-label="Coverage">
      <h2>What the archive covers</h2>
      <Refused of={coverage} />
      {value === undefined ? null : (
        <>
          <Trouble error={value.catalogError} title="The catalogue" />
          <p class="second">
            {value.segments === null ? 'Segments unknown' : counted(value.segments, 'segment')}
            {value.walSegmentSize === null ? '' : ` of ${formatBytes(value.walSegmentSize)}`}; looked at{' '}
            <Ago time={value.sampledAt} never="not yet" />. {value.reason}
          </p>
          <MapWithAxis coverage={value} />
          <Gaps coverage={value} />
        </>
      )}
    </section>
  );
}

function MapWithAxis({ coverage }: { readonly coverage: Coverage }): JSX.Element {
  const [axis, setAxis] = useState<Axis>('time');
  const inZone = useStore(zone, (value) => value);
  const bars = useMemo(() => {
    const map = mapOf(coverage, axis);
    const format = axis === 'time' ? (value: number) => formatTime(value, inZone) : lsnFromNumber;
    return map === undefined ? undefined : <CoverageBars map={map} format={format} />;
  }, [coverage, axis, inZone]);
  return (
    <>
      <div class="pick" role="group" aria-label="The map is drawn by">
        {(['time', 'place'] as const).map((one) => (
          <button key={one} type="button" aria-pressed={one === axis} onClick={() => setAxis(one)}>
            {one === 'time' ? 'Time of commits' : 'Place in the WAL'}
          </button>
        ))}
      </div>
      {bars ?? (
        <p class="quiet">
          {axis === 'time' ? 'The catalogue knows of no commit, so nothing can be drawn by time.' : 'The archive is empty.'}
        </p>
      )}
      <ul class="key">
        <li>
          <span class="sample piece-present" aria-hidden="true" /> there
        </li>
        <li>
          <span class="sample piece-missing" aria-hidden="true" /> hole
        </li>
        <li>
          <span class="sample spot" aria-hidden="true" /> damaged segment
        </li>
        {axis === 'place' ? null : (
          <li>
            <span class="sample sample-none" aria-hidden="true" /> no known commit
          </li>
        )}
      </ul>
    </>
  );
}

function Gaps({ coverage }: { readonly coverage: Coverage }): JSX.Element | null {
  const texts = [
    coverage.isCut ? ['Older stretches were left out.'] : [],
    (coverage.unknownSegments ?? 0) > 0
      ? [
          `The catalogue does not know ${counted(coverage.unknownSegments ?? 0, 'segment')}: walvault rebuild-catalog makes them known.`,
        ]
      : [],
  ].flat();
  return texts.length === 0 ? null : <p class="second">{texts.join(' ')}</p>;
}
