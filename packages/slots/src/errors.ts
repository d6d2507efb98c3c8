/** What can go wrong with a replication slot. Told apart by SQLSTATE; the server's own words are in the message or the cause. */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type SlotErrorCode =
  /** A name cannot be that of a replication slot: those have 1 to 63 characters out of a-z, 0-9 and underscore. Change `slot_name`. */
  | 'ERR_INVALID_SLOT_NAME'
  /** There is a slot of this name already. If it is ours there is nothing to do; if another receiver's, take another `slot_name`. */
  | 'ERR_SLOT_EXISTS'
  /**
   * The server has no room for one more slot. Look at pg_replication_slots for one that nobody needs and drop it, or raise
   * `max_replication_slots` and restart the server.
   */
  | 'ERR_SLOTS_EXHAUSTED'
  /**
   * There is no slot of this name, so the server keeps no WAL for us. Create it, with `walvault receive-wal --create-slot SERVER`.
   * After a failover the new primary does not have the slot of the old one.
   */
  | 'ERR_SLOT_MISSING'
  /**
   * Another process of the server streams by this slot. Two receivers cannot share one; but after a broken connection it may be our
   * own old one, which the server gives up after `wal_sender_timeout`.
   */
  | 'ERR_SLOT_IN_USE'
  /** The slot is a logical one, which belongs to a subscription or another decoder. Take another `slot_name`; it is not touched. */
  | 'ERR_SLOT_WRONG_TYPE';

/** Base of the errors about one slot. */
export abstract class SlotError extends WalvaultError {
  abstract override readonly code: SlotErrorCode;
  readonly retry: RetryAdvice = 'fatal';
  readonly slotName: string;

  constructor(slotName: string, message: string, options?: WalvaultErrorOptions) {
    super(message, options);
    this.slotName = slotName;
  }
}

/** The name cannot be that of a slot. Nothing was sent. */
export class InvalidSlotNameError extends SlotError {
  readonly code = 'ERR_INVALID_SLOT_NAME';
}

/** There is a slot of this name already (SQLSTATE 42710). */
export class SlotExistsError extends SlotError {
  readonly code = 'ERR_SLOT_EXISTS';
}

/** All slots of the server are taken (SQLSTATE 53400). */
export class SlotsExhaustedError extends SlotError {
  readonly code = 'ERR_SLOTS_EXHAUSTED';
}

/** There is no slot of this name (SQLSTATE 42704). */
export class SlotMissingError extends SlotError {
  readonly code = 'ERR_SLOT_MISSING';
}

/** Somebody streams by the slot (SQLSTATE 55006). Trying again helps when that was our own broken connection. */
export class SlotInUseError extends SlotError {
  readonly code = 'ERR_SLOT_IN_USE';
  override readonly retry = 'retry';
  /** Process id of the walsender on the server, when the server told it. */
  readonly activePid: number | undefined;

  constructor(slotName: string, activePid: number | undefined, options?: WalvaultErrorOptions) {
    const user = activePid === undefined ? 'another process' : `process ${activePid} of the server`;
    super(slotName, `replication slot "${slotName}" is in use by ${user}`, options);
    this.activePid = activePid;
  }
}

/** The slot is a logical one. It was left alone. */
export class SlotWrongTypeError extends SlotError {
  readonly code = 'ERR_SLOT_WRONG_TYPE';
}
