/** `GET /api/v1/servers/{name}`: the summary, and what is behind it. */
import { z } from 'zod';
import { bytes, count, lsn, milliseconds, reportedError, seconds, time, timelineId } from './scalars.ts';
import { serverSummary } from './server-summary.ts';

const duty = z
  .object({
    phase: z.enum(['off', 'idle', 'working', 'waiting', 'restarting']),
    since: time,
    restarts: count,
    lastError: reportedError.nullable(),
    nextStartAt: time.nullable(),
  })
  .meta({ id: 'Duty' });

const flushLatency = z
  .object({
    count,
    sumMs: milliseconds,
    p50Ms: milliseconds,
    p99Ms: milliseconds,
    maxMs: milliseconds,
    /** Counts since the start of the receiver, those of the smaller buckets included. */
    buckets: z.array(z.object({ upToMs: milliseconds, count })),
  })
  .meta({ id: 'FlushLatency' });

/** The receiver, as it publishes itself. */
const receiver = z
  .object({
    pid: count,
    /** Whether its process still runs. */
    isRunning: z.boolean(),
    startedAt: time,
    updatedAt: time,
    phaseSince: time,
    startLsn: lsn.nullable(),
    writtenLsn: lsn.nullable(),
    verifiedLsn: lsn.nullable(),
    flushedLsn: lsn.nullable(),
    acknowledgedLsn: lsn.nullable(),
    receivedBytes: bytes,
    segmentsCompleted: count,
    reconnects: count,
    failedAttempts: count,
    caughtUpAt: time.nullable(),
    troubleSince: time.nullable(),
    nextAttemptAt: time.nullable(),
    partialName: z.string().nullable(),
    flushLatency,
    lastError: reportedError.nullable(),
    divergence: z.object({ timelineId, fromLsn: lsn, toLsn: lsn }).nullable(),
  })
  .meta({ id: 'Receiver' });

/** What the PostgreSQL server says. */
const postgres = z
  .object({
    version: z.string().nullable(),
    systemIdentifier: z.string().nullable(),
    isInRecovery: z.boolean().nullable(),
    timelineId: timelineId.nullable(),
    flushLsn: lsn.nullable(),
    walSegmentSize: bytes.nullable(),
    startedAt: time.nullable(),
    /** How far its clock is ahead of ours. */
    clockAheadMs: z.number().nullable(),
    slotCount: count.nullable(),
    /** What stood in the way of the replication connection, and of the ordinary one. */
    streamingError: reportedError.nullable(),
    sqlError: reportedError.nullable(),
  })
  .meta({ id: 'PostgresServer' });

const queue = z
  .object({ waiting: count, oldestAt: time.nullable(), partials: z.array(z.string()) })
  .meta({ id: 'ArchiveQueue', description: 'What waits to be archived.' });

const disk = z
  .object({
    purpose: z.enum(['archive', 'streaming']),
    freeBytes: bytes,
    bytesPerHour: z.number(),
    hoursLeft: z.number().nullable(),
  })
  .meta({ id: 'DiskSpace' });

const verification = z
  .object({
    finishedAt: time,
    verdict: z.enum(['good', 'bad', 'unknown']),
    good: count,
    bad: count,
    unknown: count,
    holes: count,
    missingSegments: count,
  })
  .meta({ id: 'Verification' });

const archive = z
  .object({
    segments: count.nullable(),
    /** Bytes of WAL in it, and what they take on disk; null when the catalogue does not know. */
    walBytes: bytes.nullable(),
    storedBytes: bytes.nullable(),
    streaming: queue.nullable(),
    incoming: queue.nullable(),
    /** Files that could not be archived. */
    errorFiles: count.nullable(),
    disks: z.array(disk),
    verification: verification.nullable(),
    error: reportedError.nullable(),
  })
  .meta({ id: 'Archive' });

const run = z
  .object({
    pid: count.nullable(),
    isAlive: z.boolean(),
    isReady: z.boolean(),
    reason: z.string().nullable(),
    duties: z.object({ receiver: duty, archiver: duty, deletion: duty, healing: duty, verification: duty }).nullable(),
  })
  .meta({
    id: 'Run',
    description: 'How `walvault run` is with the server; that it does not run is no trouble where cron does its work.',
  });

/** See the members. Passwords in connection strings are not shown. */
export const serverDetail = z
  .object({
    summary: serverSummary,
    conninfo: z.string().nullable(),
    streamingConninfo: z.string().nullable(),
    rpoLimitSeconds: seconds.nullable(),
    receiver: receiver.nullable(),
    postgres: postgres.nullable(),
    archive: archive.nullable(),
    run: run.nullable(),
  })
  .meta({ id: 'ServerDetail' });

export type ServerDetail = z.infer<typeof serverDetail>;
