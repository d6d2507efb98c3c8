/** Metrics of what the PostgreSQL server answers, every 15 seconds. */
import { isReportedError, type ObservedSlot, type SqlFacts, type WalSender } from '@walvault/core/observing';
import { gauge, gauges, type Known, type ServerMetric, type ServerView, stateSet } from './server-metric.ts';

const slotStatuses = ['reserved', 'extended', 'unreserved', 'lost'] as const;

function sqlFacts({ facts }: ServerView): SqlFacts | undefined {
  const sql = facts?.observation.sql;
  return sql === undefined || isReportedError(sql) ? undefined : sql;
}

/** The slot that WAL is streamed by; undefined when there is none, or it is not known. */
function slot(view: ServerView): ObservedSlot | undefined {
  return view.snapshot.server.streamingArchiver ? sqlFacts(view)?.slot : undefined;
}

/** The walsender that serves our receiver. */
function ownSender(view: ServerView): WalSender | undefined {
  const { streamingArchiverName, slotName } = view.snapshot.server;
  return sqlFacts(view)?.walSenders.find(
    (sender) => sender.applicationName === streamingArchiverName && sender.slotName === slotName,
  );
}

function inSeconds(milliseconds: number | undefined): Known {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

/** See above. */
export const postgresMetrics: readonly ServerMetric[] = [
  gauges(
    'walvault_server_reachable',
    'Whether the server answered the last time, over the connection for streaming and over the ordinary one: 1 or 0.',
    ['connection', ['streaming', 'sql']],
    ({ snapshot, facts }, connection) =>
      facts === undefined || snapshot.server.passive ? undefined : Number(!isReportedError(facts.observation[connection])),
  ),
  {
    name: 'walvault_server_info',
    type: 'gauge',
    help: 'Always 1. Missing when the server does not answer.',
    labels: { version: 'of PostgreSQL, `18.4`', slot: 'name of the configured slot, or empty' },
    read: (view) => {
      const version = sqlFacts(view)?.version.split(' ')[0];
      return version === undefined ? [] : [{ value: 1, labels: { version, slot: view.snapshot.server.slotName ?? '' } }];
    },
  },
  gauges(
    'walvault_replication_lag_seconds',
    'How long the server waited for its last WAL to be written, and to be durable, here. Missing while it writes nothing.',
    ['kind', ['write', 'flush']],
    (view, kind) => {
      const sender = ownSender(view);
      return inSeconds(kind === 'write' ? sender?.writeLagMs : sender?.flushLagMs);
    },
  ),
  gauge(
    'walvault_wal_segment_size_bytes',
    'Bytes in a segment.',
    (view) => sqlFacts(view)?.walSegmentSize ?? view.receiver?.walSegmentSize,
  ),
  gauge('walvault_slot_exists', 'Whether the configured slot is on the server: 1 or 0.', (view) => {
    const { streamingArchiver, slotName } = view.snapshot.server;
    const sql = sqlFacts(view);
    return !streamingArchiver || slotName === undefined || sql === undefined ? undefined : Number(sql.slot !== undefined);
  }),
  gauge('walvault_slot_active', 'Whether somebody streams by the slot: 1 or 0.', (view) => {
    const active = slot(view)?.active;
    return active === undefined ? undefined : Number(active);
  }),
  stateSet(
    'walvault_slot_wal_status',
    'wal_status of the slot, PostgreSQL 13 and later.',
    ['status', slotStatuses],
    (view) => slot(view)?.walStatus,
  ),
  gauge('walvault_slot_retained_bytes', 'WAL that the server keeps for the slot.', ({ summary }) => summary.slot?.retainedBytes),
  gauge(
    'walvault_slot_safe_bytes',
    'WAL that can be written until max_slot_wal_keep_size of the server or slot_retained_limit is reached. Missing without a limit.',
    ({ summary }) => summary.slot?.safeBytes,
  ),
];
