/** What a server says about itself, as far as it could be asked. */
import type { ReplicationSlot } from '@walvault/slots';
import type { Lsn, TimelineId, WalSegmentSize } from '@walvault/wal';
import type { ReportedError } from '../receiver-state.ts';

/**
 * What a server says about itself: over the streaming connection and, where there is one, the ordinary connection. A part that could
 * not be found out is the error that stood in the way; `isReportedError` tells them apart.
 */
export interface ServerObservation {
  readonly streaming: StreamingFacts | ReportedError;
  readonly sql: SqlFacts | ReportedError;
}

/** What a walsender says (IDENTIFY_SYSTEM). */
export interface StreamingFacts {
  /** As the server writes it: `18.4 (Debian 18.4-1)`. */
  readonly version: string;
  /** As one number: 180004 for 18.4. */
  readonly versionNumber: number;
  readonly systemIdentifier: bigint;
  readonly timelineId: TimelineId;
  /** Behind the last byte that a walsender can send. */
  readonly flushLsn: Lsn;
  /** Whether it is a standby; undefined before PostgreSQL 14, which does not say. */
  readonly isInRecovery: boolean | undefined;
  /** Position of the configured slot; undefined when there is none of that name, none is configured, or before PostgreSQL 15. */
  readonly slot: ReplicationSlot | undefined;
}

/** What the server answers to SQL. Nothing in it changes the server. */
export interface SqlFacts {
  /** As the server writes it: `18.4 (Debian 18.4-1)`. */
  readonly version: string;
  /** As one number: 180004 for 18.4. */
  readonly versionNumber: number;
  readonly systemIdentifier: bigint;
  readonly isInRecovery: boolean;
  /** Timeline of the last checkpoint. */
  readonly timelineId: TimelineId;
  /** Where it writes (`pg_current_wal_lsn`); on a standby where it has received or replayed to, whichever is further. */
  readonly currentLsn: Lsn;
  /** Behind the last byte that is durable on the server (`pg_current_wal_flush_lsn`); on a standby the same as `currentLsn`. */
  readonly flushLsn: Lsn;
  /** The segment that it writes; undefined on a standby, which knows no name for it. */
  readonly currentWalFile: string | undefined;
  readonly walSegmentSize: WalSegmentSize;
  /** Undefined where the role may not see it (pg_read_all_settings). */
  readonly dataDirectory: string | undefined;
  readonly startedAt: Date;
  /** How far the clock of the server is ahead of ours, in milliseconds; negative when it is behind. Off by at most half the time that the answer took. */
  readonly clockAheadMs: number;
  readonly role: RoleFacts;
  /** Settings about WAL as SHOW writes them (`64MB`, `5min`, `-1`), by name; what the version or the role does not show is not there. */
  readonly settings: ReadonlyMap<string, string>;
  /** Names of those settings whose new value waits for a restart of the server. */
  readonly pendingRestart: readonly string[];
  /** The configured slot; undefined when there is none of that name, or none is configured. */
  readonly slot: ObservedSlot | undefined;
  /** How many slots the server has, of all kinds. */
  readonly slotCount: number;
  /** Everybody who streams from the server, synchronous ones first, as in pg_stat_replication. */
  readonly walSenders: readonly WalSender[];
  readonly archiver: ArchiverStatistics;
}

/** The role of the connection, and what it may do on this server. */
export interface RoleFacts {
  readonly name: string;
  readonly isSuperuser: boolean;
  /** Whether it may stream: superuser, or REPLICATION. */
  readonly mayReplicate: boolean;
  /** Whether all of pg_stat_replication and of the settings is shown to it: superuser, pg_monitor, or its two parts. */
  readonly mayMonitor: boolean;
  /** Whether it may start and stop a base backup, make restore points and switch WAL, which is what Barman asks for. */
  readonly mayBackup: boolean;
  /** Whether it may call pg_switch_wal(). */
  readonly maySwitchWal: boolean;
  /** Whether it may run CHECKPOINT: superuser, or from PostgreSQL 15 on pg_checkpoint. */
  readonly mayCheckpoint: boolean;
}

/** A slot, and how much WAL it holds back. */
export interface ObservedSlot extends ReplicationSlot {
  /** Bytes from the first one that the slot keeps to where the server writes; undefined while it keeps nothing. */
  readonly retainedBytes: number | undefined;
}

/**
 * A row of pg_stat_replication, with the slot it streams by. What the version does not have, or the role may not see, is undefined:
 * without pg_read_all_stats that is everything but the process, the role and the application name.
 */
export interface WalSender {
  readonly pid: number;
  readonly userName: string | undefined;
  readonly applicationName: string | undefined;
  /** Undefined for a Unix socket as well. */
  readonly clientAddress: string | undefined;
  readonly clientHostname: string | undefined;
  /** -1 for a Unix socket. */
  readonly clientPort: number | undefined;
  readonly backendStart: Date | undefined;
  /** The same as the server writes it, with microseconds: `2026-11-27T10:48:39.071325+00:00`. */
  readonly backendStartText: string | undefined;
  readonly backendXmin: string | undefined;
  /** `startup`, `catchup`, `streaming`, `backup` or `stopping`. */
  readonly state: string | undefined;
  readonly sentLsn: Lsn | undefined;
  readonly writeLsn: Lsn | undefined;
  readonly flushLsn: Lsn | undefined;
  /** Undefined for who replays nothing, as an archive does. */
  readonly replayLsn: Lsn | undefined;
  readonly writeLagMs: number | undefined;
  readonly flushLagMs: number | undefined;
  readonly replayLagMs: number | undefined;
  /** 0 for an asynchronous one. */
  readonly syncPriority: number | undefined;
  /** `async`, `potential`, `sync` or `quorum`. */
  readonly syncState: string | undefined;
  /** When it was last heard, PostgreSQL 12 and later. */
  readonly replyTime: Date | undefined;
  readonly slotName: string | undefined;
  readonly slotType: 'physical' | 'logical' | undefined;
}

/** pg_stat_archiver: how archive_command, or the archive module, gets on. */
export interface ArchiverStatistics {
  readonly archivedCount: number;
  readonly lastArchivedWal: string | undefined;
  readonly lastArchivedTime: Date | undefined;
  readonly failedCount: number;
  readonly lastFailedWal: string | undefined;
  readonly lastFailedTime: Date | undefined;
  readonly statsReset: Date | undefined;
  /** Segments since `statsReset`, by the hour; undefined when that is not known. */
  readonly archivedPerHour: number | undefined;
}
