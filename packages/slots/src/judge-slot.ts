/** Whether a slot can serve a receiver, and if not, why and what to do. A pure function of what the server said of it. */
import type { ReplicationSlot } from './replication-slot.ts';

/** What is to say of a slot, and what to do now as a full sentence. `usable` and `atRisk` can be streamed by at once. */
export type SlotVerdict =
  /** It keeps WAL and nobody else uses it. */
  | { readonly kind: 'usable'; readonly hint: string }
  /** It can be used, but the server keeps its WAL no longer: the next checkpoint may remove it. `safeWalSize` in bytes, not above 0. */
  | { readonly kind: 'atRisk'; readonly safeWalSize: number | undefined; readonly hint: string }
  /** There is no slot of that name. */
  | { readonly kind: 'missing'; readonly hint: string }
  /** It is a logical slot and belongs to something else. */
  | { readonly kind: 'wrongType'; readonly slotType: 'logical'; readonly hint: string }
  /** Another process of the server streams by it. */
  | { readonly kind: 'inUse'; readonly activePid: number | undefined; readonly hint: string }
  /** Its WAL is gone, or it was invalidated. It never serves again. */
  | { readonly kind: 'lost'; readonly reason: string; readonly hint: string }
  /** It keeps no WAL yet: it was created without reserving, and nobody has streamed by it. */
  | { readonly kind: 'notReserving'; readonly hint: string };

/** Options of {@link judgeSlot}. */
export interface JudgeSlotOptions {
  /** Process id of our own walsender (`backendPid`), which is not somebody else. */
  readonly ownPid?: number | undefined;
}

/**
 * Judges a slot as `readSlot` gave it. What lasts is said before what passes: a lost slot is lost also while it is in use. A
 * walsender does not tell of use and loss, so over SQL the judgement is better.
 */
export function judgeSlot(slot: ReplicationSlot | undefined, options: JudgeSlotOptions = {}): SlotVerdict {
  if (slot === undefined) return { kind: 'missing', hint: hints.missing };
  if (slot.slotType === 'logical') return { kind: 'wrongType', slotType: 'logical', hint: hints.wrongType };
  const reason = lossOf(slot);
  if (reason !== undefined) return { kind: 'lost', reason, hint: hints.lost };
  const { active, activePid, safeWalSize } = slot;
  if (active === true && (activePid === undefined || activePid !== options.ownPid)) {
    return { kind: 'inUse', activePid, hint: hints.inUse };
  }
  if (slot.restartLsn === undefined)
    return { kind: 'notReserving', hint: active === undefined ? hints.notReservingOrLost : hints.notReserving };
  if (slot.walStatus === 'unreserved') return { kind: 'atRisk', safeWalSize, hint: hints.atRisk };
  return { kind: 'usable', hint: hints.usable };
}

/** Before PostgreSQL 17 the server does not say why, but then removed WAL is the only reason a physical slot can have. */
function lossOf(slot: ReplicationSlot): string | undefined {
  return slot.invalidationReason ?? (slot.walStatus === 'lost' ? 'wal_removed' : undefined);
}

const hints = {
  usable: 'There is nothing to do.',
  atRisk:
    'Let the receiver catch up now, or raise max_slot_wal_keep_size on the server, before the next checkpoint removes the WAL.',
  missing:
    'Create it with "walvault receive-wal --create-slot SERVER"; after a failover the new primary needs a slot of its own.',
  wrongType: 'It belongs to a subscription or another decoder; choose another slot_name.',
  inUse: 'Stop the other receiver, or wait at most wal_sender_timeout if it is our own connection that broke.',
  lost: 'Drop it, create it anew, and take a new base backup: WAL is missing between the archive and the new slot, unless another archive has it.',
  notReserving: 'Start the receiver soon, or drop the slot and create it with walvault, which reserves WAL at once.',
  notReservingOrLost:
    'Look at wal_status in pg_replication_slots: if it is "lost", drop the slot, create it anew and take a base backup; else start the receiver soon.',
} as const;
