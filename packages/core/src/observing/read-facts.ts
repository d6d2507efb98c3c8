/** From the JSON that {@link factsQuery} brings to {@link SqlFacts}. */
import { slotFromRow, type SlotRow } from '@walvault/slots';
import { invalidLsn, parseLsn, parseWalSegmentSize, toTimelineId } from '@walvault/wal';
import type { ArchiverStatistics, ObservedSlot, SqlFacts, WalSender } from './server-observation.ts';

type Maybe<T> = T | null | undefined;

/** The answer. What is not there, or null, the version does not have or the role may not see. */
export interface FactsRow {
  readonly system_identifier: string;
  readonly timeline_id: number;
  readonly in_recovery: boolean;
  /** Null on a standby that has neither received nor replayed anything yet. */
  readonly current_lsn: string | null;
  readonly flush_lsn: string | null;
  readonly current_wal_file: string | null;
  readonly started_at: string;
  readonly clock: string;
  readonly role: {
    readonly name: string;
    readonly is_superuser: boolean;
    readonly may_replicate: boolean;
    readonly may_monitor: boolean;
    readonly may_backup: boolean;
    readonly may_switch_wal: boolean;
    readonly may_checkpoint: boolean;
  };
  readonly settings: Readonly<Record<string, string>>;
  readonly pending_restart: readonly string[];
  readonly slot: (SlotRow & { readonly retained_bytes: number | null }) | null;
  readonly slot_count: number;
  readonly wal_senders: readonly WalSenderRow[];
  readonly archiver: ArchiverRow;
}

interface WalSenderRow {
  readonly pid: number;
  readonly usename?: Maybe<string>;
  readonly application_name?: Maybe<string>;
  readonly client_addr?: Maybe<string>;
  readonly client_hostname?: Maybe<string>;
  readonly client_port?: Maybe<number>;
  readonly backend_start?: Maybe<string>;
  readonly backend_xmin?: Maybe<string>;
  readonly state?: Maybe<string>;
  readonly sent_lsn?: Maybe<string>;
  readonly write_lsn?: Maybe<string>;
  readonly flush_lsn?: Maybe<string>;
  readonly replay_lsn?: Maybe<string>;
  readonly write_lag_s?: Maybe<number>;
  readonly flush_lag_s?: Maybe<number>;
  readonly replay_lag_s?: Maybe<number>;
  readonly sync_priority?: Maybe<number>;
  readonly sync_state?: Maybe<string>;
  readonly reply_time?: Maybe<string>;
  readonly slot_name?: Maybe<string>;
  readonly slot_type?: Maybe<'physical' | 'logical'>;
}

interface ArchiverRow {
  readonly archived_count: number;
  readonly last_archived_wal: string | null;
  readonly last_archived_time: string | null;
  readonly failed_count: number;
  readonly last_failed_wal: string | null;
  readonly last_failed_time: string | null;
  readonly stats_reset: string | null;
  readonly age_s: number | null;
}

/** What the connection itself tells, and when the question was asked and answered, in milliseconds since 1970. */
export interface AnswerCircumstances {
  readonly version: string;
  readonly versionNumber: number;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** @throws {WalFormatError} when the server answers what no server would */
export function readFacts(row: FactsRow, circumstances: AnswerCircumstances): SqlFacts {
  const { version, versionNumber, askedMs, answeredMs } = circumstances;
  const settings = new Map(Object.entries(row.settings));
  return {
    version,
    versionNumber,
    systemIdentifier: BigInt(row.system_identifier),
    isInRecovery: row.in_recovery,
    timelineId: toTimelineId(row.timeline_id),
    currentLsn: mapped(row.current_lsn, parseLsn) ?? invalidLsn,
    flushLsn: mapped(row.flush_lsn, parseLsn) ?? invalidLsn,
    currentWalFile: row.current_wal_file ?? undefined,
    walSegmentSize: parseWalSegmentSize(settings.get('wal_segment_size') ?? ''),
    dataDirectory: settings.get('data_directory'),
    startedAt: new Date(row.started_at),
    clockAheadMs: Date.parse(row.clock) - (askedMs + answeredMs) / 2,
    role: {
      name: row.role.name,
      isSuperuser: row.role.is_superuser,
      mayReplicate: row.role.may_replicate,
      mayMonitor: row.role.may_monitor,
      mayBackup: row.role.may_backup,
      maySwitchWal: row.role.may_switch_wal,
      mayCheckpoint: row.role.may_checkpoint,
    },
    settings,
    pendingRestart: row.pending_restart,
    slot: mapped(row.slot, readSlot),
    slotCount: row.slot_count,
    walSenders: row.wal_senders.map(readWalSender),
    archiver: readArchiver(row.archiver),
  };
}

function readSlot(row: SlotRow & { readonly retained_bytes: number | null }): ObservedSlot {
  return { ...slotFromRow(row), retainedBytes: row.retained_bytes ?? undefined };
}

function readWalSender(row: WalSenderRow): WalSender {
  return {
    pid: row.pid,
    userName: row.usename ?? undefined,
    applicationName: row.application_name ?? undefined,
    clientAddress: row.client_addr?.replace(/\/\d+$/, ''),
    clientHostname: row.client_hostname ?? undefined,
    clientPort: row.client_port ?? undefined,
    backendStart: mapped(row.backend_start, toDate),
    backendStartText: row.backend_start ?? undefined,
    backendXmin: row.backend_xmin ?? undefined,
    state: row.state ?? undefined,
    sentLsn: mapped(row.sent_lsn, parseLsn),
    writeLsn: mapped(row.write_lsn, parseLsn),
    flushLsn: mapped(row.flush_lsn, parseLsn),
    replayLsn: mapped(row.replay_lsn, parseLsn),
    writeLagMs: mapped(row.write_lag_s, toMs),
    flushLagMs: mapped(row.flush_lag_s, toMs),
    replayLagMs: mapped(row.replay_lag_s, toMs),
    syncPriority: row.sync_priority ?? undefined,
    syncState: row.sync_state ?? undefined,
    replyTime: mapped(row.reply_time, toDate),
    slotName: row.slot_name ?? undefined,
    slotType: row.slot_type ?? undefined,
  };
}

function readArchiver(row: ArchiverRow): ArchiverStatistics {
  return {
    archivedCount: row.archived_count,
    lastArchivedWal: row.last_archived_wal ?? undefined,
    lastArchivedTime: mapped(row.last_archived_time, toDate),
    failedCount: row.failed_count,
    lastFailedWal: row.last_failed_wal ?? undefined,
    lastFailedTime: mapped(row.last_failed_time, toDate),
    statsReset: mapped(row.stats_reset, toDate),
    archivedPerHour: row.age_s === null || row.age_s <= 0 ? undefined : (row.archived_count * 3600) / row.age_s,
  };
}

function mapped<T, U>(value: Maybe<T>, read: (value: T) => U): U | undefined {
  return value === null || value === undefined ? undefined : read(value);
}

function toDate(text: string): Date {
  return new Date(text);
}

function toMs(seconds: number): number {
  return seconds * 1000;
}
