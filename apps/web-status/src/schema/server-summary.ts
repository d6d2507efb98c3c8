/** A server in a few figures: an element of `/servers`, and what the live stream brings. */
import { z } from 'zod';
import { bytes, count, lsn, milliseconds, reportedError, seconds, time, timelineId } from './scalars.ts';

/** Whether the data is safe. `unknown`: nothing was found out yet, it is too old to count, or nobody looks after the server. */
export const verdict = z.enum(['safe', 'warning', 'danger', 'unknown']).meta({ id: 'Verdict' });

/**
 * What the receiver is doing. `dead`: it was killed; `none`: none has ever run; `off`: the configuration does not want one; `unknown`: what it
 * has published cannot be read.
 */
export const receiverPhase = z
  .enum(['starting', 'streaming', 'waiting', 'stopped', 'failed', 'dead', 'none', 'off', 'unknown'])
  .meta({ id: 'ReceiverPhase' });

/** What would be lost if the server were gone now. Seconds are upper bounds. */
export const recoveryPoint = z
  .object({
    /** Age of the oldest commit that can be missing on the disks of the archiver, and bytes of WAL that are. */
    durableSeconds: seconds.nullable(),
    durableBytes: bytes.nullable(),
    durableReason: z.string().nullable(),
    /** The same for the archive. */
    archivedSeconds: seconds.nullable(),
    archivedBytes: bytes.nullable(),
    archivedReason: z.string().nullable(),
  })
  .meta({ id: 'RecoveryPoint' });

/** Where the WAL stands on its way. */
export const positions = z
  .object({
    /** Behind the last byte that is durable on the server. */
    server: lsn.nullable(),
    received: lsn.nullable(),
    /** Durable here. */
    flushed: lsn.nullable(),
    /** Up to where the archive is whole. */
    archived: lsn.nullable(),
  })
  .meta({ id: 'Positions' });

/** How far each place is behind the server, in bytes; null where one of both is not known, or on another timeline. */
export const behind = z
  .object({ received: bytes.nullable(), flushed: bytes.nullable(), archived: bytes.nullable() })
  .meta({ id: 'BytesBehind' });

/** The replication slot. */
export const slot = z
  .object({
    name: z.string(),
    /** `reserved`, `extended`, `unreserved` or `lost`. */
    walStatus: z.string().nullable(),
    retainedBytes: bytes.nullable(),
    /** Bytes that can be written until the nearer limit is reached; null without a limit. */
    safeBytes: bytes.nullable(),
    level: z.enum(['ok', 'warning', 'critical']).nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'Slot' });

/** What is looked at every other second. */
export const stateFile = z.enum(['receive-wal.json', 'holes.json', 'run.json']).meta({ id: 'StateFile' });

/** See the members. */
export const serverSummary = z
  .object({
    name: z.string(),
    description: z.string().nullable(),
    /** Whether the configuration has it switched on. */
    active: z.boolean(),
    verdict,
    /** Why, in one line. */
    reason: z.string(),
    rpo: recoveryPoint,
    phase: receiverPhase,
    lsn: positions,
    behindBytes: behind,
    /** WAL received over about the last second. */
    bytesPerSecond: bytes.nullable(),
    /** Null when the configuration names none. */
    slot: slot.nullable(),
    /** Ranges of missing WAL: in the archive, and those that streaming stands at. */
    holes: count.nullable(),
    badSegments: count.nullable(),
    lastMessageAt: time.nullable(),
    lastArchivedAt: time.nullable(),
    lastVerifiedAt: time.nullable(),
    /** `async`, `potential`, `sync` or `quorum`, as the server sees the receiver. */
    syncState: z.string().nullable(),
    timelineId: timelineId.nullable(),
    /** The last trouble of the receiver while it is not over; null when it streams. */
    error: reportedError.nullable(),
    /** Those files that cannot be read, or hold something else: what they would say is not known. */
    unreadableFiles: z.array(z.object({ file: stateFile, error: reportedError })),
    /** Age of the last look at the state of the receiver; null before the first. */
    ageMs: milliseconds.nullable(),
    /** Age of the last answer, good or bad, of the server itself. */
    serverAgeMs: milliseconds.nullable(),
    /** Age of the last look at the archive. */
    archiveAgeMs: milliseconds.nullable(),
  })
  .meta({ id: 'ServerSummary' });

/** `GET /api/v1/servers`, and the event `servers` of the live stream. */
export const serverList = z
  .object({
    /** When this was answered. */
    at: time,
    /** By name. */
    servers: z.array(serverSummary),
  })
  .meta({ id: 'ServerList' });

export type Verdict = z.infer<typeof verdict>;
export type ReceiverPhase = z.infer<typeof receiverPhase>;
export type RecoveryPoint = z.infer<typeof recoveryPoint>;
export type SlotSummary = z.infer<typeof slot>;
export type StateFile = z.infer<typeof stateFile>;
export type ServerSummary = z.infer<typeof serverSummary>;
export type ServerList = z.infer<typeof serverList>;
