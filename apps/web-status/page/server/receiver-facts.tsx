/** The receiver in detail. */
import type { JSX } from 'preact';
import type { ServerDetail } from '../../src/schema/server-detail.ts';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { counted, formatBytes, formatCount } from '../format/bytes.ts';
import { formatMilliseconds } from '../format/duration.ts';
import { LsnText } from '../parts/figure.tsx';
import { Ago, Moment } from '../parts/moment.tsx';
import { Facts, type FactRows } from './facts.tsx';

interface ReceiverProperties {
  readonly receiver: ServerDetail['receiver'];
  readonly summary: ServerSummary;
}

/** The card. */
export function ReceiverFacts({ receiver, summary }: ReceiverProperties): JSX.Element {
  if (receiver === null) {
    return (
      <Facts title="Receiver" rows={[]}>
        <p class="quiet">None has published anything yet.</p>
      </Facts>
    );
  }
  return (
    <Facts title="Receiver" rows={rowsOf(receiver, summary)}>
      {receiver.divergence === null ? null : (
        <p class="notice notice-danger">
          The WAL here and that of the server differ on timeline {receiver.divergence.timelineId} from{' '}
          {receiver.divergence.fromLsn} on.
        </p>
      )}
    </Facts>
  );
}

/** Since when a receiver is dead it could not say. */
function rowsOf(receiver: NonNullable<ServerDetail['receiver']>, { phase }: ServerSummary): FactRows {
  const { flushLatency } = receiver;
  return [
    [
      'Phase',
      <>
        {phase}
        {phase === 'dead' ? null : (
          <>
            , since <Moment time={receiver.phaseSince} />
          </>
        )}
      </>,
    ],
    ['Process', receiver.isRunning ? `${receiver.pid}, running` : `${receiver.pid}, not running`],
    [
      'Started',
      <>
        <Moment time={receiver.startedAt} /> at <LsnText lsn={receiver.startLsn} />
      </>,
    ],
    ['State written', <Ago time={receiver.updatedAt} />],
    ['Caught up', <Ago time={receiver.caughtUpAt} />],
    ['Verified up to', <LsnText lsn={receiver.verifiedLsn} />],
    ['Acknowledged', <LsnText lsn={receiver.acknowledgedLsn} />],
    [
      'Received since its start',
      `${formatBytes(receiver.receivedBytes)}, ${counted(receiver.segmentsCompleted, 'segment')} completed`,
    ],
    ['Reconnects', formatCount(receiver.reconnects)],
    ...(receiver.troubleSince === null ? [] : ([['Trouble since', <Moment time={receiver.troubleSince} />]] as const)),
    ...(receiver.nextAttemptAt === null ? [] : ([['Next attempt', <Moment time={receiver.nextAttemptAt} />]] as const)),
    [
      'Flush',
      flushLatency.count === 0
        ? 'none yet'
        : `half within ${formatMilliseconds(flushLatency.p50Ms)}, 99 % within ${formatMilliseconds(flushLatency.p99Ms)}, longest ${formatMilliseconds(flushLatency.maxMs)}`,
    ],
    ...(receiver.lastError === null
      ? []
      : ([
          [
            'Last error',
            <>
              {receiver.lastError.code} <Ago time={receiver.lastError.at} />
            </>,
          ],
        ] as const)),
  ];
}
