/**
 * A row of pg_replication_slots as `to_jsonb` gives it: with whatever columns the version of the server has, and times in one format
 * whatever DateStyle is.
 */
import { parseLsn } from '@walvault/wal';
import type { ReplicationSlot, SlotWalStatus } from './replication-slot.ts';

/** The columns that are read. All but the first four may be missing or null. */
export interface SlotRow {
  readonly slot_name: string;
  readonly slot_type: 'physical' | 'logical';
  readonly active: boolean;
  readonly temporary: boolean;
  readonly active_pid?: number | null;
  readonly restart_lsn?: string | null;
  readonly wal_status?: SlotWalStatus | null;
  readonly safe_wal_size?: number | null;
  readonly conflicting?: boolean | null;
  readonly invalidation_reason?: string | null;
  readonly inactive_since?: string | null;
}

/** The slot that a row tells of. @throws {WalFormatError} when its LSN is none */
export function slotFromRow(row: SlotRow): ReplicationSlot {
  return {
    slotName: row.slot_name,
    slotType: row.slot_type,
    temporary: row.temporary,
    active: row.active,
    activePid: row.active_pid ?? undefined,
    restartLsn: mapValue(row.restart_lsn, parseLsn),
    restartTimelineId: undefined,
    walStatus: row.wal_status ?? undefined,
    safeWalSize: row.safe_wal_size ?? undefined,
    conflicting: row.conflicting ?? undefined,
    invalidationReason: row.invalidation_reason ?? undefined,
    inactiveSince: mapValue(row.inactive_since, (text) => new Date(text)),
  };
}

function mapValue<T>(value: string | null | undefined, read: (value: string) => T): T | undefined {
  return value === null || value === undefined ? undefined : read(value);
}
