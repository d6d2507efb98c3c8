/** Metrics of the receiver, by what it publishes. Its counters begin anew when its process does. */
import { receiverPhase } from '../schema/server-summary.ts';
import { counter, gauge, type ServerMetric, stateSet, timestamp } from './server-metric.ts';

const runningPhases: readonly string[] = ['starting', 'streaming', 'waiting'];
const syncStates = ['async', 'potential', 'sync', 'quorum'] as const;

/** See above. */
export const receiverMetrics: readonly ServerMetric[] = [
  gauge(
    'walvault_receiver_up',
    'Whether the process of the receiver lives: 1 or 0. Missing where the configuration wants none.',
    ({ snapshot, summary: { phase } }) =>
      snapshot.live === undefined || phase === 'off' ? undefined : Number(runningPhases.includes(phase)),
  ),
  stateSet('walvault_receiver_phase', 'What the receiver is doing.', ['phase', receiverPhase.options], ({ snapshot, summary }) =>
    snapshot.live === undefined ? undefined : summary.phase,
  ),
  gauge('walvault_receiver_start_time_seconds', 'When the process of the receiver began.', ({ receiver }) =>
    timestamp(receiver?.startedAt),
  ),
  gauge(
    'walvault_receiver_blocked',
    'Whether streaming stands at a hole: 1 or 0.',
    ({ receiver }) => receiver && Number(receiver.blockingHole !== null),
  ),
  counter('walvault_received_bytes_total', 'WAL received since the receiver began.', ({ receiver }) => receiver?.receivedBytes),
  counter(
    'walvault_received_segments_total',
    'Segments completed since the receiver began.',
    ({ receiver }) => receiver?.segmentsCompleted,
  ),
  counter(
    'walvault_reconnects_total',
    'Streams that broke and attempts that failed since the receiver began.',
    ({ receiver }) => receiver?.reconnects,
  ),
  gauge(
    'walvault_failed_attempts',
    'Attempts to connect in a row that brought nothing.',
    ({ receiver }) => receiver?.failedAttempts,
  ),
  stateSet(
    'walvault_sync_state',
    'How the server counts the receiver among its synchronous standbys. Missing when it does not stream, or its role may not see it.',
    ['state', syncStates],
    ({ summary }) => summary.syncState,
  ),
];
