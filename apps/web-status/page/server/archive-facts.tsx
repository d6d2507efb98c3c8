/** The archive in figures. */
import type { JSX } from 'preact';
import type { ServerDetail } from '../../src/schema/server-detail.ts';
import { counted, formatBytes, formatCount } from '../format/bytes.ts';
import { formatSeconds } from '../format/duration.ts';
import { Figure, Unknown } from '../parts/figure.tsx';
import { Ago } from '../parts/moment.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { Facts, type FactRows } from './facts.tsx';

type Archive = NonNullable<ServerDetail['archive']>;

/** The card. */
export function ArchiveFacts({ archive }: { readonly archive: ServerDetail['archive'] }): JSX.Element {
  if (archive === null) {
    return (
      <Facts title="Archive" rows={[]}>
        <p class="quiet">It was not looked at yet.</p>
      </Facts>
    );
  }
  return (
    <Facts title="Archive" rows={rowsOf(archive)}>
      <Trouble error={archive.error} title="The archive" />
    </Facts>
  );
}

function rowsOf(archive: Archive): FactRows {
  return [
    ['Segments', <Figure value={archive.segments} format={formatCount} />],
    ['WAL in it', <Figure value={archive.walBytes} format={formatBytes} />],
    ['On disk', <Figure value={archive.storedBytes} format={formatBytes} />],
    ['Streamed, waiting', <Queue queue={archive.streaming} />],
    ['Put here, waiting', <Queue queue={archive.incoming} />],
    ['Could not be archived', <Figure value={archive.errorFiles} format={(count) => counted(count, 'file')} />],
    ...archive.disks.map((disk) => [`Disk of the ${disk.purpose} directory`, diskText(disk)] as const),
    ['Verified', <Verified verification={archive.verification} />],
  ];
}

function Queue({ queue }: { readonly queue: Archive['streaming'] }): JSX.Element {
  if (queue === null) return <Unknown />;
  if (queue.waiting === 0) return <>nothing</>;
  return (
    <>
      {counted(queue.waiting, 'segment')}
      {queue.oldestAt === null ? null : (
        <>
          , the oldest from <Ago time={queue.oldestAt} />
        </>
      )}
    </>
  );
}

function diskText({ freeBytes, hoursLeft }: Archive['disks'][number]): string {
  return `${formatBytes(freeBytes)} free${hoursLeft === null ? '' : `, full in ${formatSeconds(hoursLeft * 3600)} at this pace`}`;
}

function Verified({ verification }: { readonly verification: Archive['verification'] }): JSX.Element {
  if (verification === null) return <>never</>;
  const { good, bad, unknown, holes, finishedAt } = verification;
  const found = [
    `${formatCount(good)} good`,
    bad > 0 ? [`${formatCount(bad)} damaged`] : [],
    unknown > 0 ? [`${formatCount(unknown)} could not be judged`] : [],
    holes > 0 ? [counted(holes, 'hole')] : [],
  ].flat();
  return (
    <>
      <Ago time={finishedAt} />: {found.join(', ')}
    </>
  );
}
