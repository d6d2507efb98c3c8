/** Metrics of what would be lost, and of where the WAL stands on its way. */
import { parseLsn } from '@walvault/wal';
import { verdict } from '../schema/server-summary.ts';
import { type Known, gauge, gauges, type ServerMetric, stateSet, timestamp } from './server-metric.ts';

const places = ['place', ['durable', 'archived']] as const;
const stages = ['stage', ['received', 'flushed', 'archived']] as const;

function position(lsn: string | null): Known {
  return lsn === null ? undefined : Number(parseLsn(lsn));
}

/** See above. */
export const recoveryMetrics: readonly ServerMetric[] = [
  stateSet('walvault_verdict', 'Whether the data is safe.', ['verdict', verdict.options], ({ summary }) => summary.verdict),
  gauges(
    'walvault_rpo_seconds',
    'Age of the oldest commit that would be lost if the server were gone now and only what is durable here, or only the archive, were left; an upper bound. Missing when it is not known.',
    places,
    ({ summary: { rpo } }, place) => (place === 'durable' ? rpo.durableSeconds : rpo.archivedSeconds),
  ),
  gauges(
    'walvault_rpo_bytes',
    'WAL that would be lost likewise. Missing when it is not known, also beside a known age: nobody knows what a server that is gone wrote last.',
    places,
    ({ summary: { rpo } }, place) => (place === 'durable' ? rpo.durableBytes : rpo.archivedBytes),
  ),
  gauges('walvault_rpo_known', 'Whether walvault_rpo_seconds is known: 1 or 0.', places, ({ summary: { rpo } }, place) =>
    Number((place === 'durable' ? rpo.durableSeconds : rpo.archivedSeconds) !== null),
  ),
  gauge(
    'walvault_rpo_limit_seconds',
    'What rpo_limit in the configuration allows. Only of servers that WAL is streamed from.',
    ({ snapshot: { server } }) => (server.streamingArchiver && !server.passive ? server.rpoLimitMs / 1000 : undefined),
  ),
  gauge('walvault_server_lsn_bytes', 'Behind the last byte of WAL that is durable on the server, as a number.', ({ summary }) =>
    position(summary.lsn.server),
  ),
  gauge('walvault_received_lsn_bytes', 'Behind the last byte that was received.', ({ summary }) =>
    position(summary.lsn.received),
  ),
  gauge('walvault_flushed_lsn_bytes', 'Behind the last byte that is durable here.', ({ summary }) =>
    position(summary.lsn.flushed),
  ),
  gauge('walvault_archived_lsn_bytes', 'Up to where the archive is whole.', ({ summary }) => position(summary.lsn.archived)),
  gauges(
    'walvault_lag_bytes',
    'How far a stage is behind the server. Missing when either is not known, or they are on different timelines.',
    stages,
    ({ summary: { behindBytes } }, stage) => behindBytes[stage],
  ),
  gauge('walvault_timeline_id', 'Timeline that is received.', ({ summary }) => summary.timelineId),
  gauge('walvault_last_message_timestamp_seconds', 'When the server was last heard by the receiver.', ({ summary }) =>
    timestamp(summary.lastMessageAt),
  ),
  gauge('walvault_last_archived_timestamp_seconds', 'When the newest segment of the archive was complete.', ({ summary }) =>
    timestamp(summary.lastArchivedAt),
  ),
  gauge(
    'walvault_last_verified_timestamp_seconds',
    'When all WAL was verified the last time. Missing when it never was.',
    ({ summary }) => timestamp(summary.lastVerifiedAt),
  ),
];
