/** What the PostgreSQL server says of itself. */
import type { JSX } from 'preact';
import type { ServerDetail } from '../../src/schema/server-detail.ts';
import { formatBytes } from '../format/bytes.ts';
import { formatMilliseconds } from '../format/duration.ts';
import { LsnText, Unknown } from '../parts/figure.tsx';
import { Moment } from '../parts/moment.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { Facts, type FactRows } from './facts.tsx';

/** The card. */
export function PostgresFacts({
  postgres,
  detail,
}: {
  readonly postgres: ServerDetail['postgres'];
  readonly detail: ServerDetail;
}): JSX.Element {
  const connections: FactRows = [
    ['Connection', detail.conninfo === null ? 'none' : <code>{detail.conninfo}</code>],
    ['For streaming', detail.streamingConninfo === null ? 'none' : <code>{detail.streamingConninfo}</code>],
  ];
  if (postgres === null) {
    return (
      <Facts title="PostgreSQL server" rows={connections}>
        <p class="quiet">It was not asked yet, or does not answer.</p>
      </Facts>
    );
  }
  return (
    <Facts title="PostgreSQL server" rows={[...rowsOf(postgres), ...connections]}>
      <Trouble error={postgres.streamingError} title="Replication connection" />
      <Trouble error={postgres.sqlError} title="Ordinary connection" />
    </Facts>
  );
}

function rowsOf(postgres: NonNullable<ServerDetail['postgres']>): FactRows {
  return [
    ['Version', postgres.version ?? <Unknown />],
    ['Role', postgres.isInRecovery === null ? <Unknown /> : postgres.isInRecovery ? 'standby' : 'primary'],
    ['Timeline', postgres.timelineId ?? <Unknown />],
    ['Flushed there', <LsnText lsn={postgres.flushLsn} />],
    ['Segment size', postgres.walSegmentSize === null ? <Unknown /> : formatBytes(postgres.walSegmentSize)],
    ['Started', <Moment time={postgres.startedAt} />],
    ['System identifier', postgres.systemIdentifier ?? <Unknown />],
    ['Clock', postgres.clockAheadMs === null ? <Unknown /> : clockText(postgres.clockAheadMs)],
    ['Replication slots', postgres.slotCount ?? <Unknown />],
  ];
}

function clockText(aheadMs: number): string {
  if (Math.abs(aheadMs) < 500) return 'as ours';
  return `${formatMilliseconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`;
}
