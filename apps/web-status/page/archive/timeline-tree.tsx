/** The timelines as the tree that they are: each under the one that it left. */
import type { JSX } from 'preact';
import type { TimelineTree as Tree } from '../../src/schema/coverage.ts';
import type { Resource } from '../api/use-resource.ts';
import { counted, formatBytes } from '../format/bytes.ts';
import { Moment } from '../parts/moment.tsx';
import { Refused } from '../parts/refused.tsx';

type Timeline = NonNullable<Tree['timelines']>[number];

/** The card. */
export function TimelineCard({ tree }: { readonly tree: Resource<Tree> }): JSX.Element {
  const timelines = tree.value?.timelines ?? [];
  const known = new Set(timelines.map(({ timelineId }) => timelineId));
  const roots = timelines.filter(({ parentId }) => parentId === null || !known.has(parentId));
  return (
    <section class="card" aria-label="Timelines">
      <h2>Timelines</h2>
      <Refused of={tree} />
      {tree.value !== undefined && timelines.length === 0 ? <p>{tree.value.reason ?? 'None yet.'}</p> : null}
      <Branches of={roots} all={timelines} />
    </section>
  );
}

interface BranchesProperties {
  readonly of: readonly Timeline[];
  readonly all: readonly Timeline[];
}

function Branches({ of, all }: BranchesProperties): JSX.Element | null {
  if (of.length === 0) return null;
  return (
    <ul class="tree">
      {of.map((timeline) => (
        <li key={timeline.timelineId}>
          <TimelineLine timeline={timeline} />
          <Branches of={all.filter(({ parentId }) => parentId === timeline.timelineId)} all={all} />
        </li>
      ))}
    </ul>
  );
}

function TimelineLine({ timeline }: { readonly timeline: Timeline }): JSX.Element {
  const { timelineId, parentId, switchLsn, isCurrent, segments, holes, storedBytes, firstCommitTime, lastCommitTime } = timeline;
  return (
    <div class="branch">
      <strong>Timeline {timelineId}</strong>
      {isCurrent ? <span class="current">being received</span> : null}
      {parentId === null ? null : (
        <span>
          left {parentId} at <span class="lsn">{switchLsn ?? 'unknown'}</span>
        </span>
      )}
      <span class="second">
        {counted(segments, 'segment')}
        {storedBytes === null ? '' : `, ${formatBytes(storedBytes)} on disk`}
        {holes === 0 ? '' : `, ${counted(holes, 'hole')}`}
        {firstCommitTime === null ? null : (
          <>
            ; commits from <Moment time={firstCommitTime} /> to <Moment time={lastCommitTime} />
          </>
        )}
      </span>
    </div>
  );
}
