/** Metrics of the receiver, by what it publishes. Its counters begin anew when its process does. */
import { receiverPhase, stateFile } from '../schema/server-summary.ts';
import { counter, gauge, gauges, type ServerMetric, stateSet, timestamp } from './server-metric.ts';

const syncStates = ['async', 'potential', 'sync', 'quorum'] as const;

/** See above. */
export const receiverMetrics: readonly ServerMetric[] = [
  gauge(
    'walvault_receiver_up',
    'Whether the process of the receiver lives: 1 or 0. Missing where the configuration wants none.',
    ({ snapshot: { live }, summary: { phase } }) =>
      live === undefined || phase === 'off' ? undefined : Number(live.value.receiver.pid !== undefined),
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
  gauges(
    'walvault_state_file_readable',
    'Whether a file that is published about the server could be read and is what it should be, or is not there: 1 or 0. What an unreadable one would say is missing from the other metrics.',
    ['file', stateFile.options],
    ({ snapshot: { live } }, file) => live && Number(!live.value.unreadableFiles.some((one) => one.file === file)),
  ),
  stateSet(
    'walvault_sync_state',
    'How the server counts the receiver among its synchronous standbys. Missing when it does not stream, or its role may not see it.',
    ['state', syncStates],
    ({ summary }) => summary.syncState,
  ),
];
