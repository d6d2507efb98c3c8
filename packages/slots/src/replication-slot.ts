/** One row of pg_replication_slots, by the names of its columns ("pg_replication_slots" in the PostgreSQL manual). */
import type { Lsn, TimelineId } from '@walvault/wal';

/**
 * Whether the WAL that a slot needs is there: `reserved` within max_wal_size; `extended` beyond it, but kept; `unreserved` no
 * longer kept and gone with the next checkpoint; `lost` gone.
 */
export type SlotWalStatus = 'reserved' | 'extended' | 'unreserved' | 'lost';

/** A replication slot. What the server is too old for, or a walsender does not tell, is undefined. */
export interface ReplicationSlot {
  readonly slotName: string;
  readonly slotType: 'physical' | 'logical';
  /** Whether it goes with the session that made it. Unknown to a walsender. */
  readonly temporary: boolean | undefined;
  /** Whether somebody streams by it now. Unknown to a walsender. */
  readonly active: boolean | undefined;
  /** Process id of the walsender that streams by it. */
  readonly activePid: number | undefined;
  /** First byte that the server keeps for the slot; undefined while it keeps nothing. */
  readonly restartLsn: Lsn | undefined;
  /** Timeline of `restartLsn`. Only a walsender tells it. */
  readonly restartTimelineId: TimelineId | undefined;
  /** PostgreSQL 13 and later; undefined while the slot keeps nothing. */
  readonly walStatus: SlotWalStatus | undefined;
  /** Bytes that can still be written before the slot may be lost, PostgreSQL 13 and later; undefined without a limit. May be negative. */
  readonly safeWalSize: number | undefined;
  /** Whether a logical slot conflicts with recovery, PostgreSQL 16 and later. */
  readonly conflicting: boolean | undefined;
  /** Why the slot was invalidated (`wal_removed`, `idle_timeout`, ...), PostgreSQL 17 and later. */
  readonly invalidationReason: string | undefined;
  /** Since when nobody streams by it, PostgreSQL 17 and later. */
  readonly inactiveSince: Date | undefined;
}
