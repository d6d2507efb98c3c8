/** Where a target lies, and what there is to get to it from. */
import type { JSX } from 'preact';
import type { FoundTarget } from '../../src/schema/find-target.ts';
import { LsnText } from '../parts/figure.tsx';
import { Moment } from '../parts/moment.tsx';
import { type FactRows, Facts } from '../server/facts.tsx';

/** The facts. */
export function FoundFacts({ found }: { readonly found: FoundTarget }): JSX.Element {
  const { place, backup, wholeFrom, reach } = found;
  const rows: FactRows = [
    ...(place === null ? [] : placeRows(place)),
    ['Base backup', backup === null ? 'none' : <Backup backup={backup} />],
    ...(wholeFrom === null ? [] : ([['No segment is missing from', <code>{wholeFrom}</code>]] as const)),
    ...(reach === null ? [] : reachRows(reach)),
  ];
  return <Facts title="Where it is" rows={rows} />;
}

function placeRows(place: NonNullable<FoundTarget['place']>): FactRows {
  const { segment, isPartial, timelineId, targetTimelineId, lsn, fromLsn, toLsn, firstCommitTime, lastCommitTime } = place;
  return [
    [
      'Segment',
      <>
        <code>{segment}</code>
        {isPartial ? ' (not complete yet)' : ''}
      </>,
    ],
    ['Timeline', timelineId === targetTimelineId ? timelineId : `${timelineId}, recovered on ${targetTimelineId}`],
    ['Place', lsn === null ? <Span from={<LsnText lsn={fromLsn} />} to={<LsnText lsn={toLsn} />} /> : <LsnText lsn={lsn} />],
    ['Commits in that segment', <Span from={<Moment time={firstCommitTime} />} to={<Moment time={lastCommitTime} />} />],
  ];
}

function reachRows({ first, endLsn, firstCommitTime, lastCommitTime }: NonNullable<FoundTarget['reach']>): FactRows {
  return [
    [
      'The WAL here begins with',
      <>
        <code>{first ?? 'nothing'}</code>, first commit <Moment time={firstCommitTime} />
      </>,
    ],
    [
      'It goes to',
      <>
        <LsnText lsn={endLsn} />, last commit <Moment time={lastCommitTime} />
      </>,
    ],
  ];
}

function Span({ from, to }: { readonly from: JSX.Element; readonly to: JSX.Element }): JSX.Element {
  return (
    <>
      {from} to {to}
    </>
  );
}

function Backup({ backup }: { readonly backup: NonNullable<FoundTarget['backup']> }): JSX.Element {
  return (
    <>
      <code>{backup.id}</code>, ended at <LsnText lsn={backup.endLsn} /> <Moment time={backup.endTime} />
    </>
  );
}
