/** What stands in the files that receivers and `run` publish, member by member. */
import type { FlushBucket, FlushLatency } from './flush-histogram.ts';
import type { RecordedHole } from './holes.ts';
import {
  amount,
  count,
  digits,
  type Form,
  type Forms,
  listOf,
  lsn,
  object,
  oneOf,
  orNull,
  segmentSize,
  text,
  time,
  timeline,
} from './json-form.ts';
import type { ReceiverState, ReportedDivergence, ReportedError, ReportedSlotSafety } from './receiver-state.ts';

/** An error that a process has published; its time may be empty. */
export const reportedErrorForm: Form = object<ReportedError>({ code: text, message: text, hint: orNull(text), at: text });

/** A hole on record. Reasons and resolutions that a later version knows are let through. */
export const holeForm: Form = object<RecordedHole>({
  timelineId: timeline,
  fromLsn: lsn,
  toTimelineId: orNull(timeline),
  toLsn: orNull(lsn),
  reason: text,
  foundAt: time,
  resolvedBy: orNull(text),
  resolvedAt: orNull(time),
});

/** `receive-wal.json`. */
export const stateForms: Forms<ReceiverState> = {
  version: oneOf(1),
  server: text,
  pid: count,
  phase: oneOf('starting', 'streaming', 'waiting', 'stopped', 'failed'),
  phaseSince: time,
  startedAt: time,
  updatedAt: time,
  systemIdentifier: orNull(digits),
  serverVersion: orNull(count),
  walSegmentSize: orNull(segmentSize),
  slotName: orNull(text),
  syncState: orNull(text),
  timelineId: orNull(timeline),
  startLsn: orNull(lsn),
  writtenLsn: orNull(lsn),
  verifiedLsn: orNull(lsn),
  flushedLsn: orNull(lsn),
  acknowledgedLsn: orNull(lsn),
  serverLsn: orNull(lsn),
  partialName: orNull(text),
  receivedBytes: count,
  bytesPerSecond: amount,
  lastMessageAt: orNull(time),
  caughtUpAt: orNull(time),
  segmentsCompleted: count,
  reconnects: count,
  flushLatency: object<FlushLatency>({
    count: count,
    sumMs: amount,
    p50Ms: amount,
    p99Ms: amount,
    maxMs: amount,
    buckets: listOf(object<FlushBucket>({ upToMs: amount, count: count })),
  }),
  lastError: orNull(reportedErrorForm),
  troubleSince: orNull(time),
  failedAttempts: count,
  nextAttemptAt: orNull(time),
  gapPolicy: oneOf('stop', 'continue'),
  slotSafety: orNull(
    object<ReportedSlotSafety>({
      level: oneOf('ok', 'warning', 'critical'),
      retainedBytes: orNull(amount),
      safeBytes: orNull(amount),
      reason: text,
    }),
  ),
  holes: listOf(holeForm),
  blockingHole: orNull(holeForm),
  divergence: orNull(object<ReportedDivergence>({ timelineId: timeline, fromLsn: lsn, toLsn: lsn })),
  logFile: orNull(text),
};
