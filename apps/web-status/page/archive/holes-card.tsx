/** Holes and damaged segments, one by one. */
import type { JSX } from 'preact';
import type { Coverage, HoleList } from '../../src/schema/coverage.ts';
import type { Resource } from '../api/use-resource.ts';
import { counted, formatBytes } from '../format/bytes.ts';
import { Icon } from '../parts/icon.tsx';
import { Ago, Moment } from '../parts/moment.tsx';
import { Refused } from '../parts/refused.tsx';

type Recorded = NonNullable<HoleList['recorded']>[number];

/** So many of each are listed. */
const mostListed = 200;

const reasons: Readonly<Record<Recorded['reason'], string>> = {
  walRemoved: 'the server had removed the WAL',
  slotLost: 'the slot was lost',
  slotMissing: 'the slot was missing',
  slotDropped: 'the slot was dropped',
};
const endings: Readonly<Record<NonNullable<Recorded['resolvedBy']>, string>> = {
  continued: 'streaming went on behind it',
  reset: 'the receiver was set back to the server',
  filled: 'it was filled',
  healed: 'it was healed',
};

interface HolesProperties {
  readonly holes: Resource<HoleList>;
  readonly coverage: Coverage | undefined;
}

/** The card. */
export function HolesCard({ holes, coverage }: HolesProperties): JSX.Element {
  const { recorded, missing } = holes.value ?? { recorded: null, missing: null };
  const bad = coverage?.badSegments ?? null;
  return (
    <section class="card" aria-label="Holes and damage">
      <h2>Holes and damage</h2>
      <Refused of={holes} />
      {missing === null ? null : (
        <>
          <h3>Missing in the archive</h3>
          {missing.length === 0 ? <p>Nothing.</p> : null}
          <ul class="lines">
            {missing.slice(0, mostListed).map((range) => (
              <li key={range.first}>
                <Icon sign="danger" /> {counted(range.count, 'segment')} on timeline {range.timelineId}:{' '}
                <code>{range.first}</code>
                {range.count === 1 ? null : (
                  <>
                    {' '}
                    to <code>{range.last}</code>
                  </>
                )}
                <span class="second">
                  WAL from {range.fromLsn} to {range.toLsn}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Damaged</h3>
      {bad === null ? <p class="quiet">Unknown: walvault verify-wal finds out.</p> : bad.length === 0 ? <p>Nothing.</p> : null}
      <ul class="lines">
        {(bad ?? []).slice(0, mostListed).map(({ name, detail, checkedAt }) => (
          <li key={name}>
            <Icon sign="danger" /> <code>{name}</code> {detail}
            <span class="second">
              checked <Ago time={checkedAt} />
            </span>
          </li>
        ))}
      </ul>
      <h3>Holes on record</h3>
      {recorded !== null && recorded.length === 0 ? <p>None.</p> : null}
      <ul class="lines">
        {(recorded ?? []).slice(0, mostListed).map((hole) => (
          <RecordedHole key={`${hole.timelineId} ${hole.fromLsn} ${hole.foundAt}`} hole={hole} />
        ))}
      </ul>
    </section>
  );
}

function RecordedHole({ hole }: { readonly hole: Recorded }): JSX.Element {
  return (
    <li>
      <Icon sign={hole.resolvedBy === null ? 'danger' : 'info'} /> From {hole.fromLsn} on timeline {hole.timelineId}
      {hole.toLsn === null ? '' : ` to ${hole.toLsn}`}
      {hole.bytes === null ? '' : `, ${formatBytes(hole.bytes)}`}: {reasons[hole.reason]}
      <span class="second">
        found <Moment time={hole.foundAt} />; {hole.resolvedBy === null ? 'streaming stands at it' : endings[hole.resolvedBy]}
        {hole.resolvedAt === null ? null : (
          <>
            {' '}
            <Moment time={hole.resolvedAt} />
          </>
        )}
      </span>
    </li>
  );
}
