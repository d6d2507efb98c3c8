/**
 * How near a replication slot is to losing the WAL that it keeps, or to filling up the disk of its server: a pure function of what
 * the server says of it ("pg_replication_slots" in the PostgreSQL manual) and of what the configuration allows.
 *
 * Two limits count, the nearer one first: max_slot_wal_keep_size of the server, beyond which the next checkpoint may remove what the
 * slot keeps, and our own slot_retained_limit.
 */
import type { ServerConfig } from '@walvault/config';
import type { ReplicationSlot } from '@walvault/slots';

/** What is looked at of a slot. Sizes are bytes. */
export interface SlotRetention extends Pick<ReplicationSlot, 'walStatus' | 'safeWalSize' | 'invalidationReason'> {
  /** WAL between the slot's restart_lsn and the end of the server's WAL; undefined while the slot keeps nothing, or where it is not known. */
  readonly retainedBytes: number | undefined;
}

/** What the configuration says of it. */
export type SlotSafetyOptions = Pick<ServerConfig, 'slotPolicy' | 'slotRetainedLimit'>;

/** The judgement. */
export interface SlotSafety {
  /** `warning`: half of a limit is used up. `critical`: four fifths of the server's, all of ours, or the WAL is lost already. */
  readonly level: 'ok' | 'warning' | 'critical';
  readonly retainedBytes: number | undefined;
  /** Bytes that can be written until the nearer limit is reached, not below 0; undefined without a limit. */
  readonly safeBytes: number | undefined;
  /** True when the slot keeps as much as `slot_retained_limit` allows: under protect-server it is to be dropped. */
  readonly isAtLimit: boolean;
  /** What there is to say, as the end of a sentence about the slot, with sizes. */
  readonly reason: string;
}

const warningShare = 0.5;
const criticalShare = 0.8;

/** Judges the slot of a server. */
export function judgeSlotSafety(slot: SlotRetention, { slotPolicy, slotRetainedLimit }: SlotSafetyOptions): SlotSafety {
  const { retainedBytes, safeWalSize } = slot;
  const ours = slotRetainedLimit === undefined ? undefined : slotRetainedLimit - (retainedBytes ?? 0);
  const safeBytes = nearer(safeWalSize, ours);
  const isAtLimit = slotRetainedLimit !== undefined && (retainedBytes ?? 0) >= slotRetainedLimit;
  const [level, reason] = worstOf(
    byServer(slot),
    slotRetainedLimit === undefined ? fine(slot) : byLimit(retainedBytes ?? 0, slotRetainedLimit, slotPolicy),
  );
  return { level, retainedBytes, safeBytes, isAtLimit, reason };
}

type Judgement = readonly [level: SlotSafety['level'], reason: string];

/** What the server itself will do about it. */
function byServer(slot: SlotRetention): Judgement {
  const { walStatus, safeWalSize, invalidationReason, retainedBytes } = slot;
  const kept = keeps(retainedBytes);
  if (invalidationReason !== undefined || walStatus === 'lost') {
    return ['critical', `has lost the WAL that it kept (${invalidationReason ?? 'wal_removed'})`];
  }
  if (walStatus === 'unreserved') {
    return ['critical', `${kept}, which is more than max_slot_wal_keep_size of the server: the next checkpoint may remove it`];
  }
  if (safeWalSize === undefined) return fine(slot);
  const used = 1 - safeWalSize / Math.max(1, safeWalSize + (retainedBytes ?? 0));
  if (used < warningShare) return fine(slot);
  const words = `${kept}; ${inMegabytes(safeWalSize)} more, and max_slot_wal_keep_size of the server is reached, from where on it is removed`;
  return [used < criticalShare ? 'warning' : 'critical', words];
}

/** What the configuration says. */
function byLimit(retained: number, limit: number, policy: SlotSafetyOptions['slotPolicy']): Judgement {
  const words = `${keeps(retained)} of the ${inMegabytes(limit)} of slot_retained_limit`;
  if (retained < limit * warningShare) return ['ok', words];
  const consequence = policy === 'protect-server' ? '; at the limit it is dropped (slot_policy = protect-server)' : '';
  return [retained < limit ? 'warning' : 'critical', words + consequence];
}

function fine({ retainedBytes }: SlotRetention): Judgement {
  return ['ok', keeps(retainedBytes)];
}

const levels: readonly SlotSafety['level'][] = ['ok', 'warning', 'critical'];

/** Of equals the first. */
function worstOf(one: Judgement, other: Judgement): Judgement {
  return levels.indexOf(other[0]) > levels.indexOf(one[0]) ? other : one;
}

function nearer(one: number | undefined, other: number | undefined): number | undefined {
  const known = [one, other].filter((bytes) => bytes !== undefined);
  return known.length === 0 ? undefined : Math.max(0, Math.min(...known));
}

function keeps(bytes: number | undefined): string {
  return bytes === undefined ? 'keeps no WAL, as far as is known' : `keeps ${inMegabytes(bytes)} of WAL`;
}

/** As the configuration and PostgreSQL write sizes. */
function inMegabytes(bytes: number): string {
  return `${Math.max(0, Math.floor(bytes / 1024 ** 2))}MB`;
}
